using System.Collections.Concurrent;
using System.Diagnostics;

namespace FlowCli.Benchmarking;

/// <summary>What a closed loop saw: each client sends its next request when it has the answer to the last one.</summary>
internal sealed record LoopResult(double[] SortedSeconds, int Errors, string? FirstError, TimeSpan Elapsed)
{
    public double RequestsPerSecond => SortedSeconds.Length / Elapsed.TotalSeconds;

    /// <summary>The duration that this share of the requests did not exceed; NaN without any.</summary>
    public TimeSpan? Percentile(double share) => SortedSeconds.Length == 0
        ? null
        : TimeSpan.FromSeconds(SortedSeconds[(int)Math.Min(SortedSeconds.Length - 1, Math.Floor(share * SortedSeconds.Length))]);
}

/// <summary>So many clients for so long.</summary>
internal static class ClosedLoop
{
    public static async Task<LoopResult> RunAsync(ServiceClient client, int concurrency, TimeSpan duration, CancellationToken stop)
    {
        var seconds = new ConcurrentBag<List<double>>();
        int errors = 0;
        long next = 0;
        string? firstError = null;
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, concurrency).Select(_ => Task.Run(Client, stop)));
        return new([.. seconds.SelectMany(list => list).Order()], errors, firstError, clock.Elapsed);

        async Task Client()
        {
            var mine = new List<double>();
            seconds.Add(mine);
            while (clock.Elapsed < duration && !stop.IsCancellationRequested)
            {
                long started = Stopwatch.GetTimestamp();
                try
                {
                    if (await client.AskAsync(Interlocked.Increment(ref next), stop))
                        mine.Add(Stopwatch.GetElapsedTime(started).TotalSeconds);
                    else
                        Failed("an answer other than 2xx");
                }
                catch (HttpRequestException e)
                {
                    Failed(e.Message);
                }
            }
        }

        void Failed(string why)
        {
            Interlocked.Increment(ref errors);
            Interlocked.CompareExchange(ref firstError, why, null);
        }
    }
}
