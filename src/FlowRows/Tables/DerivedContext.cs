using FlowCore;

namespace FlowRows.Tables;

/// <summary>The contexts that rows bring by themselves where none are given: of a flow that enlarges pictures, the small one of each large one.</summary>
internal static class DerivedContext
{
    /// <summary>What makes the contexts of some rows; null where these must be given.</summary>
    /// <param name="spec">The flow.</param>
    /// <param name="field">What the rows are: data have a small picture, latents have none.</param>
    public static DownSampling? Of(FlowSpec spec, string field) => field == RowNames.X ? DownSampling.Of(spec) : null;
}
