using System.Globalization;

namespace FlowBenchmarks.Serving;

/// <summary>How much the service gets done when more is asked of it than it can do, and what its refusals cost.</summary>
internal static class OverloadTable
{
    // The peak is that of clients who keep the engine busy, and are never refused.
    private const int FewClients = 4, ManyClients = 128, PeakClients = 16, WaitingRequests = 40, MostWarmUps = 15;

    // Until the queue is full, and the first who were refused have come back.
    private static readonly TimeSpan Fill = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan WarmUpDuration = TimeSpan.FromSeconds(3);

    private static readonly double[] Loads = [1.5, 3, 10];

    /// <summary>Goodput against the peak, which is measured before and after, and how long refusals take.</summary>
    public static void Print(TextWriter output, TimeSpan each, string? model = null, string? body = null)
    {
        output.WriteLine("| model | body | clients | refused clients | load | peak | answers/s | goodput / peak | engine's share of the core | refused/s | refusal p50 | refusal p99 |");
        output.WriteLine("|---|---|---|---|---|---|---|---|---|---|---|---|");
        Cores.KeepTo(Cores.Clients);
        foreach (Subject subject in new[] { Subject.Light, Subject.Heavy })
            if (model is null || model == subject.Name)
                Print(output, subject, body, each);
    }

    private static void Print(TextWriter output, Subject subject, string? only, TimeSpan each)
    {
        DirectoryInfo repository = Directory.CreateTempSubdirectory("flowbench-");
        try
        {
            subject.Write(repository.FullName, 1);
            int rows = subject.Rows;
            using Server server = Server.StartOn(Cores.Service,
                repository.FullName, $"--Batching:QueueRows={WaitingRequests * rows}", $"--Limits:RowsPerRequest={rows}", $"--Limits:SamplesPerRequest={rows}");
            foreach ((string name, string type, byte[] body) in subject.Bodies().Where(body => only is null || body.Name == only))
            {
                byte[] request = HttpConnection.Request("/logprob", type, body);
                WarmUp(server, request);
                foreach (int clients in new[] { FewClients, ManyClients })
                {
                    double peak = Load.Closed(server.Port, request, PeakClients, each).PerSecond;
                    foreach (double load in Loads)
                        foreach (bool waits in new[] { true, false })
                        {
                            var shares = new List<double>();
                            OverloadResult seen = Overload.Run(
                                server.Port, request, clients, load * peak, Fill, each, waits, () => shares.Add(server.ThreadSeconds($"batches of {subject.Name}")));
                            double after = Load.Closed(server.Port, request, PeakClients, each).PerSecond, mean = (peak + after) / 2;
                            output.WriteLine(Line(
                                $"| {subject.Name} | {name} | {clients} | {(waits ? "wait for Retry-After" : "ask again at once")} | {load} | {mean:N0} | {seen.Goodput:N0} | {seen.Goodput / mean:F2} | {(shares[1] - shares[0]) / seen.Elapsed.TotalSeconds:F2} | {seen.Refused.Length / seen.Elapsed.TotalSeconds:N0} | {Milliseconds(seen.Refused, 0.5)} | {Milliseconds(seen.Refused, 0.99)} |"));
                            peak = after;
                        }
                }
            }
        }
        finally
        {
            repository.Delete(recursive: true);
        }
    }

    /// <summary>Asks and is refused until the runtime compiles hardly anything more: on the one core it would take a tenth of the time.</summary>
    private static void WarmUp(Server server, byte[] request)
    {
        const string Compiler = ".NET Tiered Com";
        double compiled = -1, before;
        int round = 0;
        do
        {
            before = compiled;
            Overload.Run(server.Port, request, ManyClients, double.MaxValue, TimeSpan.Zero, WarmUpDuration, waits: false, () => { });
            compiled = server.ThreadSeconds(Compiler);
        }
        while (compiled - before > 0.01 * WarmUpDuration.TotalSeconds && ++round < MostWarmUps);
    }

    private static string Milliseconds(double[] sorted, double share) => sorted.Length == 0 ? "" : Line($"{1000 * Load.Percentile(sorted, share):F2} ms");

    private static string Line(FormattableString line) => line.ToString(CultureInfo.InvariantCulture);
}
