using FlowService.Models;

namespace FlowService.OpenInference.Metadata;

/// <summary>Which versions of a model are loaded: one of the three is there.</summary>
internal sealed record VersionPolicy(AllVersions? All = null, LatestVersions? Latest = null, SpecificVersions? Specific = null)
{
    public static VersionPolicy Of(ServingOptions serving)
    {
        if (serving.IsLatest)
            return new(Latest: new(1));
        return serving.ListedVersions() is { } versions ? new(Specific: new(versions)) : new(All: new());
    }
}

internal sealed record AllVersions;

internal sealed record LatestVersions(int NumVersions);

internal sealed record SpecificVersions(int[] Versions);
