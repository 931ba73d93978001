using FlowService.Errors;
using Microsoft.Extensions.Options;

namespace FlowService.Limits;

/// <summary>
/// How fast a full queue refuses. A refusal costs some of the time in which answers are computed, and clients who ask again at once
/// would make so many that little else is done: beyond a rate they wait their turn, which costs nothing.
/// </summary>
internal sealed class RefusalPace(IOptions<LimitsOptions> options, TimeProvider time)
{
    /// <summary>What was not used of the rate is there for as long.</summary>
    private const double BurstSeconds = 0.1;

    /// <summary>Those who wait have their turns together, so often: each alone would take the processor from an engine, and give it back.</summary>
    private const double TogetherSeconds = 0.02;

    /// <summary>Nobody waits longer.</summary>
    private const int LongestSeconds = 60;

    // In ticks of the clock.
    private readonly long each = (long)(time.TimestampFrequency / (options.Value.RefusalsPerSecond * Environment.ProcessorCount)),
        burst = (long)(BurstSeconds * time.TimestampFrequency),
        together = (long)(TogetherSeconds * time.TimestampFrequency),
        longest = LongestSeconds * time.TimestampFrequency;

    private readonly Lock gate = new();
    private long next;
    private int waiting;

    /// <summary>The refusals that wait for their turn.</summary>
    public int Waiting => Volatile.Read(ref waiting);

    /// <summary>
    /// Waits for the turn of a failure that refuses for a full queue; any other has its turn at once. Ends early, and without an exception,
    /// where the caller is gone.
    /// </summary>
    public async Task TurnAsync(Exception failure, CancellationToken callerGone)
    {
        if (failure is not RequestException { Kind: var kind } || kind != ProblemKind.QueueFull)
            return;
        TimeSpan wait = Take();
        if (wait <= TimeSpan.Zero)
            return;
        Interlocked.Increment(ref waiting);
        await Task.Delay(wait, time, callerGone).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Interlocked.Decrement(ref waiting);
    }

    /// <summary>Takes the next turn: how long it is until then.</summary>
    public TimeSpan Take()
    {
        long now = time.GetTimestamp();
        lock (gate)
        {
            long turn = Math.Clamp(next, now - Math.Max(0, burst - each), now + longest);
            next = turn + each;
            return turn <= now ? TimeSpan.Zero : TimeSpan.FromSeconds(((turn + together - 1) / together * together - now) / (double)time.TimestampFrequency);
        }
    }
}
