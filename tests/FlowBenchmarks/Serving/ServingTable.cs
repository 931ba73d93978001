using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.RegularExpressions;
using FlowCli.Benchmarking;
using FlowCore.Checkpoints;
using FlowCore.Densities;
using FlowCore.Engines;
using FlowCore.Tests.Golden;
using FlowRows.Npy;

namespace FlowBenchmarks.Serving;

/// <summary>
/// The service beside the bare engine, itself without batching, and a home-made server, on one machine in one run: each round
/// measures everything once, and the table has the medians of the rounds' ratios.
/// </summary>
internal sealed partial class ServingTable
{
    private const int Rounds = 5, ManyRows = 1000;
    private const string Model = "realnvp", Path = "/logprob", Npy = "application/x-npy", Json = "application/json";

    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(2), Short = TimeSpan.FromSeconds(0.5);

    // The runtime compiles what is hot a second time, on a thread of its own that takes half a core meanwhile.
    private static readonly TimeSpan WarmUpDuration = TimeSpan.FromSeconds(4);

    private readonly SortedDictionary<string, (string Goal, List<double> Values)> measures = [];
    private readonly List<Server> servers;
    private readonly Server batching, single, busy, torch, torchSingle;
    private readonly Server? peer;
    private readonly FlowEngine<float> engine;
    private readonly float[] rows;
    private readonly byte[] oneRow, manyRows, manyNpy;

    private ServingTable(string repository, string? peerScript, List<Server> servers)
    {
        this.servers = servers;
        Checkpoint checkpoint = GoldenModel.Read("normflows/realnvp_masked").Checkpoint;
        checkpoint.Write(System.IO.Path.Combine(repository, Model, "1"), "# The benchmark's model\n");
        batching = Started(Server.Start(repository));
        single = Started(Server.Start(repository, "--Batching:BatchRows=1"));
        torch = Started(Server.Start(repository, "--Engine:Kind=torch"));
        torchSingle = Started(Server.Start(repository, "--Engine:Kind=torch", "--Batching:BatchRows=1"));
        busy = Started(Server.Start(repository, "--Batching:QueueRows=16000", $"--Limits:RowsPerRequest={ManyRows}", $"--Limits:SamplesPerRequest={ManyRows}"));
        peer = peerScript is null ? null : Started(Server.StartPeer(peerScript));
        engine = Engine.Open<float>(checkpoint, EngineKind.Compiled);
        rows = new float[ManyRows * engine.Width];
        Noise.FillNormal(1, 0, rows.Length, rows.AsSpan());
        oneRow = HttpConnection.Request(Path, Json, JsonSerializer.SerializeToUtf8Bytes(new { x = rows[..engine.Width].Chunk(engine.Width) }));
        manyRows = HttpConnection.Request(Path, Json, JsonSerializer.SerializeToUtf8Bytes(new { x = rows.Chunk(engine.Width) }));
        manyNpy = HttpConnection.Request(Path, Npy, [.. NpyHeader.Write("'<f4'", ManyRows, engine.Width), .. MemoryMarshal.AsBytes<float>(rows)]);
    }

    /// <param name="output">Where the table goes.</param>
    /// <param name="peerScript">The home-made server with the same weights, or null.</param>
    public static void Print(TextWriter output, string? peerScript)
    {
        string repository = Directory.CreateTempSubdirectory("flow-serving-").FullName;
        var servers = new List<Server>();
        try
        {
            var table = new ServingTable(repository, peerScript, servers);
            table.WarmUp();
            for (int round = 0; round < Rounds; round++)
                table.Round();
            table.Write(output);
            table.engine.Dispose();
        }
        finally
        {
            servers.ForEach(server => server.Dispose());
            Directory.Delete(repository, recursive: true);
        }
    }

    private Server Started(Server server)
    {
        servers.Add(server);
        return server;
    }

    private void WarmUp()
    {
        foreach (Server server in servers)
            foreach (byte[] request in new[] { oneRow, manyRows, manyNpy })
                Load.Closed(server.Port, request, 8, WarmUpDuration);
        InProcess.Bare(engine, rows, ManyRows, Short);
        InProcess.Queued(engine, rows, ManyRows, 8, Short);
    }

    private void Round()
    {
        string before = batching.Get("/metrics");
        Load load = Closed(batching, manyNpy, 8);
        string after = batching.Get("/metrics");
        double npy = ManyRows * load.PerSecond;
        int formed = (int)(BatchMetrics.Parse(after, Model) - BatchMetrics.Parse(before, Model)).MeanRows!.Value;
        Add("1c share of the time that the engine computes", "", (ComputeSeconds(after) - ComputeSeconds(before)) / load.Elapsed.TotalSeconds);
        Add("1 served rows/s (npy, 1000 rows, 8 clients) / bare engine at the batch formed", ">= 0.90", npy / InProcess.Bare(engine, rows, formed, Duration));
        Add($"1a rows/s served", "", npy);
        Add($"1b rows in a batch", "", formed);

        var (queued, batch, computing) = InProcess.Queued(engine, rows, ManyRows, 8, Duration);
        Add("2 in process through the queue / bare engine", ">= 0.98", queued / InProcess.Bare(engine, rows, batch, Duration));
        Add("2a share of the time that the engine computes", "", computing);

        Add("3 64 clients, one row each (JSON) / without batching", ">= 3", Closed(batching, oneRow, 64).PerSecond / Closed(single, oneRow, 64).PerSecond);

        Add("3a the same on TorchSharp", "", Closed(torch, oneRow, 64).PerSecond / Closed(torchSingle, oneRow, 64).PerSecond);

        double added = Load.Percentile(Closed(batching, oneRow, 1).Answered, 0.5) - InProcess.BareRow(engine, rows, Short);
        Add("4 one client, one row: added over the bare call, p50, us", "<= 250", added * 1e6);

        double json = ManyRows * Closed(batching, manyRows, 8).PerSecond;
        Add("5 JSON / npy, 1000 rows, rows/s", ">= 0.5", json / npy);

        double peak = Closed(busy, manyNpy, 8).PerSecond;
        Load twice = Load.Open(busy.Port, manyNpy, 96, Duration, 2 * peak);
        Add("6 twice the capacity offered: goodput / peak", ">= 0.95", twice.PerSecond / peak);
        Add("6a refused within, p99, ms", "<= 10", Load.Percentile(twice.Refused, 0.99) * 1e3);
        Add("6b share refused", "", (double)twice.Refused.Length / (twice.Refused.Length + twice.Answered.Length));

        if (peer is null)
            return;
        Add("7 against FastAPI + PyTorch, JSON, 1 row, 32 clients", ">= 10x", Closed(batching, oneRow, 32).PerSecond / Closed(peer, oneRow, 32).PerSecond);
        Add("8 the same, JSON, 1000 rows, 8 clients", ">= 4x", json / (ManyRows * Closed(peer, manyRows, 8).PerSecond));
        Add("9 the same, npy, 1000 rows, 8 clients", ">= 3x", npy / (ManyRows * Closed(peer, manyNpy, 8).PerSecond));
    }

    /// <summary>The time that engines have computed so far, by the service's own metrics.</summary>
    private static double ComputeSeconds(string metrics) => ComputeSum().Matches(metrics).Sum(line => double.Parse(line.Groups[1].ValueSpan, CultureInfo.InvariantCulture));

    [GeneratedRegex(@"^flowservice_compute_duration_seconds_sum\{[^}]*\} ([0-9.eE+-]+)", RegexOptions.Multiline)]
    private static partial Regex ComputeSum();

    private static Load Closed(Server server, byte[] request, int clients) => Load.Closed(server.Port, request, clients, Duration);

    private void Add(string measure, string goal, double value)
    {
        if (!measures.ContainsKey(measure))
            measures[measure] = (goal, []);
        measures[measure].Values.Add(value);
    }

    private void Write(TextWriter output)
    {
        output.WriteLine("| measure | goal | median | lowest | highest |\n|---|---|---:|---:|---:|");
        foreach (var (measure, (goal, values)) in measures)
        {
            values.Sort();
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {measure[(measure.IndexOf(' ') + 1)..]} | {goal} | {values[values.Count / 2]:0.###} | {values[0]:0.###} | {values[^1]:0.###} |"));
        }
    }
}
