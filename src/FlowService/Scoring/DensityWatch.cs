using FlowRows.Tables;
using FlowService.Batching;
using FlowService.Drift;
using FlowService.Shadow;

namespace FlowService.Scoring;

/// <summary>What looks at rows whose log densities were asked for, whichever protocol they came by: drift, and the comparison of two versions.</summary>
internal sealed class DensityWatch(DriftMetrics drift, ShadowJudge shadow)
{
    /// <summary>The header of a request that only asks about the model, and whose rows are not those of the world: nobody looks at them.</summary>
    public const string ProbeHeader = "Flow-Probe";

    /// <summary>Looks at a computed item; other operations than log densities pass unseen.</summary>
    /// <param name="work">The item, with its results.</param>
    /// <param name="block">What is known of its rows beside their values.</param>
    public void Observe(WorkItem work, RowBlock<float>? block = null)
    {
        if (work.Operation != Operation.LogProb)
            return;
        drift.Observe(work.Model, work.Input.Values!.Span, work.Results.LogProb.Span, block);
        shadow.Offer(work, block);
    }
}
