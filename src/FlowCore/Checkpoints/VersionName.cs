using System.Globalization;

namespace FlowCore.Checkpoints;

/// <summary>What the version of a model may be called: the name of its folder, models/NAME/VERSION.</summary>
public static class VersionName
{
    /// <summary>The number that a folder's name stands for; null where it is no version: those are 1, 2, ... without zeros before them.</summary>
    public static int? Of(ReadOnlySpan<char> name) =>
        int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int version) && name[0] != '0' ? version : null;
}
