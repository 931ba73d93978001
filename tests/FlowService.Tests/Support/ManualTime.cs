namespace FlowService.Tests.Support;

/// <summary>A clock that stands still unless it is told to go on.</summary>
internal sealed class ManualTime : TimeProvider
{
    private long now;
    private int looks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp()
    {
        Interlocked.Increment(ref looks);
        return Volatile.Read(ref now);
    }

    /// <summary>Waits until somebody has looked at the clock so many times more.</summary>
    public Task LookedAtAsync(int times)
    {
        int until = Volatile.Read(ref looks) + times;
        return Eventually.TrueAsync(() => Volatile.Read(ref looks) >= until, $"the clock is looked at {times} times more");
    }

    public void Advance(TimeSpan by) => Interlocked.Add(ref now, by.Ticks);
}
