using System.Diagnostics;

namespace FlowBenchmarks.Serving;

/// <summary>What some clients saw of a server: how many answers a second, and how long they took in seconds, sorted.</summary>
internal sealed record Load(TimeSpan Elapsed, double[] Answered, double[] Refused)
{
    public double PerSecond => Answered.Length / Elapsed.TotalSeconds;

    public static double Percentile(double[] sorted, double share) => sorted.Length == 0 ? double.NaN : sorted[(int)(share * (sorted.Length - 1))];

    /// <summary>Each client asks again when it has its answer.</summary>
    public static Load Closed(int port, byte[] request, int clients, TimeSpan duration) => Run(port, request, clients, duration, null);

    /// <summary>So many requests a second are sent whatever becomes of them, by enough clients.</summary>
    public static Load Open(int port, byte[] request, int clients, TimeSpan duration, double perSecond) => Run(port, request, clients, duration, perSecond);

    private static Load Run(int port, byte[] request, int clients, TimeSpan duration, double? perSecond)
    {
        List<double>[] answered = [.. Enumerable.Range(0, clients).Select(_ => new List<double>())], refused = [.. answered.Select(_ => new List<double>())];
        var clock = new Stopwatch();
        using var start = new Barrier(clients + 1, _ => clock.Start());
        Thread[] threads = [.. Enumerable.Range(0, clients).Select(i => new Thread(() => Client(i)))];
        foreach (Thread thread in threads)
            thread.Start();
        start.SignalAndWait();
        foreach (Thread thread in threads)
            thread.Join();
        return new(clock.Elapsed, Sorted(answered), Sorted(refused));

        void Client(int number)
        {
            using var connection = new HttpConnection(port);
            start.SignalAndWait();
            for (int i = 0; clock.Elapsed < duration; i++)
            {
                if (perSecond is { } rate)
                {
                    TimeSpan due = TimeSpan.FromSeconds((i + (double)number / clients) * clients / rate);
                    if (due > clock.Elapsed)
                        Thread.Sleep(due - clock.Elapsed);
                }
                long began = Stopwatch.GetTimestamp();
                int status = connection.Ask(request);
                (status == 200 ? answered : status == 429 ? refused : throw new InvalidOperationException($"status {status}"))[number].Add(Stopwatch.GetElapsedTime(began).TotalSeconds);
            }
        }

        static double[] Sorted(List<double>[] parts) => [.. parts.SelectMany(part => part).Order()];
    }
}
