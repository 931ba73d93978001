using System.Diagnostics;

namespace FlowCore.Training;

/// <summary>The time that a training may take, by the clock and by the processor, from its creation on.</summary>
internal sealed class Budget(TrainingOptions options)
{
    private readonly Stopwatch clock = Stopwatch.StartNew();
    private readonly TimeSpan processorBefore = Environment.CpuUsage.TotalTime;

    public TimeSpan Elapsed => clock.Elapsed;

    /// <summary>The time that all threads of this process have computed since.</summary>
    public TimeSpan Processor => Environment.CpuUsage.TotalTime - processorBefore;

    /// <summary>What is spent of it; 0 where there is no limit.</summary>
    public double Share => Math.Max(
        options.MaxTime is { } limit ? clock.Elapsed / limit : 0,
        options.MaxProcessorTime is { } most ? Processor / most : 0);

    public bool IsOver => Share >= 1;

    /// <summary>The options of a training that may take a share of what is left.</summary>
    public TrainingOptions Rest(TrainingOptions of, double share) => of with
    {
        MaxTime = Left(options.MaxTime, clock.Elapsed, share),
        MaxProcessorTime = Left(options.MaxProcessorTime, Processor, share),
    };

    private static TimeSpan? Left(TimeSpan? limit, TimeSpan spent, double share) =>
        limit is { } most ? TimeSpan.FromTicks(Math.Max(1, (long)((most - spent).Ticks * share))) : null;
}
