namespace FlowService.Telemetry;

/// <summary>
/// The requests of one kind so far. <c>Success</c> are all that were answered, also from the cache; <c>Rows</c>, <c>Queue</c> and <c>Steps</c> are
/// sums over those that were computed. <c>CacheMiss</c> counts those that were computed of a model with a cache.
/// </summary>
internal sealed record OperationStatistics(
    long Rows, DateTimeOffset? Last, Duration Success, Duration Failure, Duration CacheHit, Duration CacheMiss, TimeSpan Queue, StepTimes Steps,
    BatchStatistics[] Batches)
{
    /// <summary>The requests that were computed.</summary>
    public long Computed => Success.Count - CacheHit.Count;
}

/// <summary>The batches that had so many rows; beyond 1024 the next power of two.</summary>
internal readonly record struct BatchStatistics(int Rows, long Count, StepTimes Steps)
{
    public BatchStatistics With(StepTimes took) => new(Rows, Count + 1, Steps + took);
}

/// <summary>How often, and how long in all.</summary>
internal readonly record struct Duration(long Count, TimeSpan Total)
{
    public Duration With(TimeSpan took) => new(Count + 1, Total + took);
}

/// <summary>The steps of a batch: the rest of its rows copied in, the engine, the results copied out.</summary>
internal readonly record struct StepTimes(TimeSpan Input, TimeSpan Infer, TimeSpan Output)
{
    public static StepTimes operator +(StepTimes a, StepTimes b) => new(a.Input + b.Input, a.Infer + b.Infer, a.Output + b.Output);
}
