using System.Diagnostics;

namespace FlowBenchmarks.Serving;

/// <summary>What became of the requests that were sent at a rate.</summary>
/// <param name="Elapsed">How long they were sent.</param>
/// <param name="Answered">The seconds that answers with 200 took, sorted.</param>
/// <param name="Refused">Those of answers with 429, sorted.</param>
internal sealed record OverloadResult(TimeSpan Elapsed, double[] Answered, double[] Refused)
{
    public double Goodput => Answered.Length / Elapsed.TotalSeconds;
}

/// <summary>Clients that ask at a rate of their own, whatever becomes of what they asked for, and ask again for what was refused.</summary>
internal static class Overload
{
    private const int MostTries = 5;

    /// <summary>Sends requests at a rate, from so many connections.</summary>
    /// <param name="port">The service's.</param>
    /// <param name="request">The bytes of each.</param>
    /// <param name="connections">The connections, and so the most requests under way. A request that is due when all are taken waits for one.</param>
    /// <param name="perSecond">The rate of first tries.</param>
    /// <param name="duration">How long they are sent.</param>
    /// <param name="waits">Whether a refused one is sent again when Retry-After says, or at once.</param>
    public static OverloadResult Run(int port, byte[] request, int connections, double perSecond, TimeSpan duration, bool waits)
    {
        List<double>[] answered = [.. Enumerable.Range(0, connections).Select(_ => new List<double>())], refused = [.. answered.Select(_ => new List<double>())];
        var again = new PriorityQueue<int, TimeSpan>(); // how often each was tried, by when it is due
        int offered = 0;
        var clock = new Stopwatch();
        using var start = new Barrier(connections, _ => clock.Start());
        Thread[] threads = [.. Enumerable.Range(0, connections).Select(i => new Thread(() => Client(i)))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        return new(duration, [.. answered.SelectMany(part => part).Order()], [.. refused.SelectMany(part => part).Order()]);

        void Client(int number)
        {
            using var connection = new HttpConnection(port);
            start.SignalAndWait();
            while (clock.Elapsed < duration)
            {
                (int tries, TimeSpan due) = Next();
                if (due > clock.Elapsed)
                    Thread.Sleep(due - clock.Elapsed);
                long began = Stopwatch.GetTimestamp();
                int status = connection.Ask(request);
                if (clock.Elapsed > duration)
                    return;
                (status == 200 ? answered : status == 429 ? refused : throw new InvalidOperationException($"status {status}"))[number].Add(Stopwatch.GetElapsedTime(began).TotalSeconds);
                if (status == 429 && tries + 1 < MostTries)
                    lock (again)
                        again.Enqueue(tries + 1, clock.Elapsed + TimeSpan.FromSeconds(waits ? connection.RetryAfter : 0));
            }
        }

        (int Tries, TimeSpan Due) Next()
        {
            lock (again)
            {
                TimeSpan first = TimeSpan.FromSeconds(offered / perSecond);
                if (again.TryPeek(out int tries, out TimeSpan due) && due < first)
                {
                    again.Dequeue();
                    return (tries, due);
                }
                offered++;
                return (0, first);
            }
        }
    }
}
