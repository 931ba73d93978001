using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using FlowCore.Checkpoints;
using FlowCore.Densities;
using FlowCore.Engines;
using FlowCore.Tests.Golden;

namespace FlowBenchmarks.Serving;

/// <summary>How much the service gets done when more is asked of it than it can do, and what its refusals cost; and what comparing two versions adds to requests at full load.</summary>
internal static class OverloadTable
{
    // The peak is that of clients who keep the engine busy, and are never refused.
    private const int FewClients = 4, ManyClients = 128, PeakClients = 16, WaitingRequests = 40, MostWarmUps = 15;

    // Until the queue is full, and the first who were refused have come back.
    private static readonly TimeSpan Fill = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan WarmUpDuration = TimeSpan.FromSeconds(3);

    private const string Npy = "application/x-npy", Json = "application/json";

    // Of the light one reading a request costs as much as computing it, and clients on the same machine take their share; the heavy one is
    // what its service has to do.
    private static readonly Subject
        Light = new("realnvp", Rows: 200, GoldenModel.Read("normflows/realnvp_masked").Checkpoint),
        Heavy = new("wide", Rows: 100, EngineTable.Random(EngineTable.RealNvp(features: 64, hidden: 512), scale: 0.03f));

    private static readonly double[] Loads = [1.5, 3, 10];

    /// <summary>Goodput against the peak, which is measured before and after, and how long refusals take.</summary>
    public static void Print(TextWriter output, TimeSpan each, string? model = null, string? body = null)
    {
        output.WriteLine("| model | body | clients | refused clients | load | peak | answers/s | goodput / peak | engine's share of the core | refused/s | refusal p50 | refusal p99 |");
        output.WriteLine("|---|---|---|---|---|---|---|---|---|---|---|---|");
        Cores.KeepTo(Cores.Clients);
        foreach (Subject subject in new[] { Light, Heavy })
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

    /// <summary>Latency at full load with and without a second version that is compared, in turns.</summary>
    public static void PrintShadow(TextWriter output, TimeSpan each, int rounds)
    {
        DirectoryInfo repository = Directory.CreateTempSubdirectory("flowbench-");
        try
        {
            Light.Write(repository.FullName, 1);
            Light.Write(repository.FullName, 2);
            using Server plain = Server.Start(repository.FullName), shadowed = Server.Start(repository.FullName, $"--Models:Overrides:{Light.Name}:Shadow=1");
            byte[] request = HttpConnection.Request("/logprob", Json, Light.Bodies()[0].Body);
            output.WriteLine("| round | clients | p50 without | p50 with | p99 without | p99 with | added p99 |");
            output.WriteLine("|---|---|---|---|---|---|---|");
            var added = new List<double>();
            for (int round = -1; round < rounds; round++)
            {
                Load without = Load.Closed(plain.Port, request, 4, each), with = Load.Closed(shadowed.Port, request, 4, each);
                if (round < 0)
                    continue; // what is hot is compiled
                added.Add(Load.Percentile(with.Answered, 0.99) - Load.Percentile(without.Answered, 0.99));
                output.WriteLine(Line($"| {round + 1} | 4 | {Milliseconds(without.Answered, 0.5)} | {Milliseconds(with.Answered, 0.5)} | {Milliseconds(without.Answered, 0.99)} | {Milliseconds(with.Answered, 0.99)} | {1e6 * added[^1]:F0} us |"));
            }
            added.Sort();
            output.WriteLine(Line($"added p99: median of {rounds} rounds {1e6 * added[rounds / 2]:F0} us, from {1e6 * added[0]:F0} to {1e6 * added[^1]:F0} us"));
            using JsonDocument state = JsonDocument.Parse(shadowed.Get($"/models/{Light.Name}/shadow"));
            output.WriteLine($"compared {state.RootElement.GetProperty("rows")} rows, dropped {state.RootElement.GetProperty("dropped")}");
        }
        finally
        {
            repository.Delete(recursive: true);
        }
    }

    private static string Milliseconds(double[] sorted, double share) => sorted.Length == 0 ? "" : Line($"{1000 * Load.Percentile(sorted, share):F2} ms");

    private static string Line(FormattableString line) => line.ToString(CultureInfo.InvariantCulture);

    /// <summary>A model, and a request of it.</summary>
    private sealed record Subject(string Name, int Rows, Checkpoint Checkpoint)
    {
        public void Write(string repository, int version) => Checkpoint.Write(Path.Combine(repository, Name, $"{version}"), "# The benchmark's model\n");

        public (string Name, string Type, byte[] Body)[] Bodies()
        {
            int width = Checkpoint.Spec.Width;
            float[] rows = new float[Rows * width], noise = new float[Rows * width];
            using FlowEngine<float> engine = Engine.Open<float>(Checkpoint);
            Noise.FillNormal(1, 0, noise.Length, noise.AsSpan());
            float[] context = new float[Rows * engine.ContextWidth], logDet = new float[Rows], logProb = new float[Rows];
            engine.Inverse(noise, context, rows, logDet, logProb);
            string header = $"{{'descr': '<f4', 'fortran_order': False, 'shape': ({Rows}, {width}), }}";
            header = header.PadRight((header.Length + 10 + 1 + 63) / 64 * 64 - 10 - 1) + '\n';
            byte[] npy = [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, (byte)(header.Length >> 8), .. Encoding.ASCII.GetBytes(header), .. MemoryMarshal.AsBytes(rows.AsSpan())];
            return [("JSON", Json, JsonSerializer.SerializeToUtf8Bytes(new { model = Name, x = rows.Chunk(width) })), ("npy", Npy, npy)];
        }
    }
}
