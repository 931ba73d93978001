using System.Globalization;
using FlowService.OpenInference.Faces;
using FlowService.Telemetry;

namespace FlowService.OpenInference.Metadata;

/// <summary>The statistics of some models.</summary>
internal sealed record StatsList(ModelStats[] ModelStats);

/// <summary>What has become of a model's requests since its version was loaded, in Triton's form. Times are in nanoseconds, sums over requests.</summary>
/// <param name="Name">The name of the face.</param>
/// <param name="Version">The version.</param>
/// <param name="LastInference">When it last answered, in milliseconds since 1970; 0 for never.</param>
/// <param name="InferenceCount">Rows that were computed.</param>
/// <param name="ExecutionCount">Batches that were computed.</param>
/// <param name="InferenceStats">Its requests, also those that came by other ways than this protocol.</param>
/// <param name="BatchStats">Its batches by their rows.</param>
internal sealed record ModelStats(
    string Name, string Version, long LastInference, long InferenceCount, long ExecutionCount, InferenceStats InferenceStats, BatchStats[] BatchStats)
{
    public static ModelStats Of(ModelFace face)
    {
        OperationStatistics of = face.Model.Statistics.Of(face.Kind.Operation());
        return new(
            face.Name, face.Model.Version.ToString(CultureInfo.InvariantCulture), of.Last?.ToUnixTimeMilliseconds() ?? 0,
            of.Rows, of.Batches.Sum(batch => batch.Count), Metadata.InferenceStats.Of(of), Array.ConvertAll(of.Batches, Metadata.BatchStats.Of));
    }
}

/// <summary>Success and queue count answers from the cache too, though those did not wait; the steps of computing do not.</summary>
internal sealed record InferenceStats(
    DurationStat Success, DurationStat Fail, DurationStat Queue, DurationStat ComputeInput, DurationStat ComputeInfer, DurationStat ComputeOutput,
    DurationStat CacheHit, DurationStat CacheMiss)
{
    public static InferenceStats Of(OperationStatistics of) => new(
        DurationStat.Of(of.Success.Count, of.Success.Total), DurationStat.Of(of.Failure.Count, of.Failure.Total), DurationStat.Of(of.Success.Count, of.Queue),
        DurationStat.Of(of.Computed, of.Steps.Input), DurationStat.Of(of.Computed, of.Steps.Infer), DurationStat.Of(of.Computed, of.Steps.Output),
        DurationStat.Of(of.CacheHit.Count, of.CacheHit.Total), DurationStat.Of(of.CacheMiss.Count, of.CacheMiss.Total));
}

/// <summary>Batches of one size; sizes beyond 1024 rows stand for all down to half of them.</summary>
internal sealed record BatchStats(int BatchSize, DurationStat ComputeInput, DurationStat ComputeInfer, DurationStat ComputeOutput)
{
    public static BatchStats Of(BatchStatistics of) => new(
        of.Rows, DurationStat.Of(of.Count, of.Steps.Input), DurationStat.Of(of.Count, of.Steps.Infer), DurationStat.Of(of.Count, of.Steps.Output));
}

/// <summary>How often, and how long in all, in nanoseconds.</summary>
internal sealed record DurationStat(long Count, long Ns)
{
    public static DurationStat Of(long count, TimeSpan total) => new(count, total.Ticks * TimeSpan.NanosecondsPerTick);
}
