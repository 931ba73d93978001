using FlowCore;
using FlowCore.Training;

namespace FlowCli.Training;

/// <summary>What <c>flow train</c> was asked for.</summary>
internal sealed record TrainingRequest
{
    public required string Data { get; init; }

    public required string Out { get; init; }

    public string? Label { get; init; }

    public required string Preset { get; init; }

    public required PresetSizes Sizes { get; init; }

    public required TrainingOptions Options { get; init; }

    /// <summary>Whether integer-valued columns are dequantised.</summary>
    public required bool Dequantize { get; init; }

    /// <summary>Who made the data and under which licence, for the model card.</summary>
    public string? Origin { get; init; }

    public required string Command { get; init; }

    /// <summary>The model's name: of models/NAME/1 it is NAME.</summary>
    public string Name
    {
        get
        {
            string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(Out));
            string last = Path.GetFileName(full);
            return last.All(char.IsAsciiDigit) && Path.GetFileName(Path.GetDirectoryName(full)) is { Length: > 0 } parent ? parent : last;
        }
    }
}
