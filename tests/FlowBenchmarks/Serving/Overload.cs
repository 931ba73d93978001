using System.Diagnostics;

namespace FlowBenchmarks.Serving;

/// <summary>What became of the requests that were sent at a rate, in the time that was measured.</summary>
/// <param name="Elapsed">How long that was.</param>
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
    /// <param name="before">How long they are sent before it is measured: the queue fills, and the first who were refused have come back.</param>
    /// <param name="duration">How long it is measured: what is answered within that time counts, whenever it was sent.</param>
    /// <param name="waits">Whether a refused one is sent again when Retry-After says, or at once.</param>
    /// <param name="watch">Called where the measured time begins, and where it ends.</param>
    public static OverloadResult Run(int port, byte[] request, int connections, double perSecond, TimeSpan before, TimeSpan duration, bool waits, Action watch)
    {
        List<double>[] answered = [.. Enumerable.Range(0, connections).Select(_ => new List<double>())], refused = [.. answered.Select(_ => new List<double>())];
        var again = new PriorityQueue<int, TimeSpan>(); // how often each was tried, by when it is due
        int offered = 0;
        var clock = new Stopwatch();
        bool measured = false, ended = false;
        using var start = new Barrier(connections + 1, _ => clock.Start());
        Thread[] threads = [.. Enumerable.Range(0, connections).Select(i => new Thread(() => Client(i)))];
        foreach (Thread thread in threads)
            thread.Start();
        start.SignalAndWait();
        Thread.Sleep(before);
        watch();
        long began = Stopwatch.GetTimestamp();
        Volatile.Write(ref measured, true);
        Thread.Sleep(duration);
        Volatile.Write(ref measured, false);
        TimeSpan elapsed = Stopwatch.GetElapsedTime(began);
        watch();
        Volatile.Write(ref ended, true);
        foreach (Thread thread in threads)
            thread.Join();
        return new(elapsed, [.. answered.SelectMany(part => part).Order()], [.. refused.SelectMany(part => part).Order()]);

        void Client(int number)
        {
            using var connection = new HttpConnection(port);
            start.SignalAndWait();
            while (!Volatile.Read(ref ended))
            {
                (int tries, TimeSpan due) = Next();
                if (due > clock.Elapsed)
                    Thread.Sleep(due - clock.Elapsed);
                long began = Stopwatch.GetTimestamp();
                int status = connection.Ask(request);
                if (Volatile.Read(ref measured))
                    (status == 200 ? answered : refused)[number].Add(Stopwatch.GetElapsedTime(began).TotalSeconds);
                if (status is not (200 or 429))
                    throw new InvalidOperationException($"status {status}");
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
