namespace FlowService.Shadow;

/// <summary>
/// When rows may be compared: one comparison at a time, and after each a pause that keeps them all to a share of the time. A request that
/// comes meanwhile may have to wait for it, so that no larger share of the requests is ever slower for it, at any load.
/// </summary>
internal sealed class ComparisonPace(TimeProvider time)
{
    private const long UnderWay = long.MaxValue;

    // However slow a model is, and where the setting was 0 for a moment.
    private const int LongestPauseSeconds = 3600;

    private long began, next = long.MinValue;

    /// <summary>Whether a comparison may begin now; it has then begun, and whatever becomes of it must end.</summary>
    public bool TryBegin()
    {
        long at = Volatile.Read(ref next), now = time.GetTimestamp();
        if (at > now || Interlocked.CompareExchange(ref next, UnderWay, at) != at)
            return false;
        began = now;
        return true;
    }

    /// <summary>It is done, or was not to be after all: how long it was at work says when the next one may begin.</summary>
    /// <param name="share">What comparisons may take of the time.</param>
    /// <param name="waited">How long it stood behind requests: in that time none of them waited for it.</param>
    public void End(double share, TimeSpan waited = default)
    {
        long now = time.GetTimestamp();
        double took = Math.Max(0, now - began - waited.TotalSeconds * time.TimestampFrequency);
        double pause = share > 0 ? took * (1 / share - 1) : double.PositiveInfinity;
        Volatile.Write(ref next, now + (long)Math.Min(pause, (double)LongestPauseSeconds * time.TimestampFrequency));
    }
}
