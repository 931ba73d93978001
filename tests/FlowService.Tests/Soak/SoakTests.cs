using System.Diagnostics;
using System.Globalization;
using System.Net;
using FlowService.Tests.Support;

namespace FlowService.Tests.Soak;

/// <summary>Runs alone: live tensors and memory are counted for the whole process.</summary>
[CollectionDefinition(nameof(SoakTests), DisableParallelization = true)]
public sealed class SoakRunsAlone;

/// <summary>A minute of everything at once, on both engines, each in a process of its own whose managed heap is bounded. <c>dotnet test --filter Category!=Soak</c> leaves it out.</summary>
[Collection(nameof(SoakTests))]
[Trait("Category", "Soak")]
public sealed class SoakTests : IDisposable
{
    private const int Clients = 6;
    private const string LargestHeap = "0x8000000";
    private const long MostGrowth = 64 << 20;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(25), Rest = TimeSpan.FromSeconds(35), Quiet = TimeSpan.FromSeconds(1);

    // The compiled engine computes on the CPU alone; tests/gpu.sh names another device.
    private static readonly string[] Engines =
        Environment.GetEnvironmentVariable("Torch__Device") is null or "cpu" ? ["compiled", "torch"] : ["torch"];

    private readonly TemporaryFolder repository = TestModels.Repository();

    public void Dispose() => repository.Dispose();

    [Fact]
    public async Task A_minute_of_mixed_load_leaves_no_tensor_behind_and_memory_does_not_grow() =>
        await Task.WhenAll(Engines.Select(MinuteAsync));

    private async Task MinuteAsync(string engine)
    {
        await using ServiceProcess service = await ServiceProcess.StartAsync(
            repository.Path, ServiceProcess.FreePort(), [("DOTNET_GCHeapHardLimit", LargestHeap)], $"--Engine:Kind={engine}");
        await LoadAsync(service, WarmUp, 0);
        (long tensors, long memory) = (await LiveTensorsAsync(service), service.WorkingSet);
        await LoadAsync(service, Rest, Clients);
        (long tensorsAfter, long memoryAfter) = (await LiveTensorsAsync(service), service.WorkingSet);

        TestContext.Current.TestOutputHelper?.WriteLine($"{engine}: tensors {tensors} -> {tensorsAfter}, memory {memory >> 20} -> {memoryAfter >> 20} MiB");
        Assert.Equal(tensors, tensorsAfter);
        Assert.Equal(engine == "torch", tensors > 0);
        Assert.InRange(memoryAfter - memory, long.MinValue, MostGrowth);
    }

    /// <summary>Mixed load for a while; returns when no request is under way.</summary>
    private static Task LoadAsync(ServiceProcess service, TimeSpan length, int seed)
    {
        var clock = Stopwatch.StartNew();
        return Task.WhenAll(Enumerable.Range(seed, Clients).Select(each => Task.Run(() => ClientAsync(service, new Random(each), clock, length))));
    }

    private static async Task ClientAsync(ServiceProcess service, Random random, Stopwatch clock, TimeSpan length)
    {
        using HttpClient http = service.Http();
        while (clock.Elapsed < length)
            await (random.Next(8) switch
            {
                0 => RefusedAsync(http, random),
                1 => CancelledAsync(http, random),
                2 or 3 => SampledAsync(http, random),
                _ => ScoredAsync(http, random),
            });
    }

    /// <summary>The gauge, once the requests whose callers left are over: it stays the same for a while.</summary>
    private static async Task<long> LiveTensorsAsync(ServiceProcess service)
    {
        using HttpClient http = service.Http();
        long last = -1;
        var still = Stopwatch.StartNew();
        await Eventually.TrueAsync(async () =>
        {
            string line = (await http.GetStringAsync("/metrics")).Split('\n').First(each => each.StartsWith("flowservice_tensors_live", StringComparison.Ordinal));
            long now = long.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture);
            if (now != last)
                (last, still) = (now, Stopwatch.StartNew());
            return still.Elapsed > Quiet;
        }, "the tensors of abandoned requests are gone");
        return last;
    }

    private static async Task SampledAsync(HttpClient http, Random random)
    {
        int count = random.Next(1, random.Next(20) == 0 ? 3000 : 50);
        var answer = await http.AskAsync("/sample", $$"""{"model":"wide","count":{{count}},"seed":{{random.Next()}},"temperature":0.8}""");
        Assert.Equal(count, answer.GetProperty("samples").GetArrayLength());
    }

    private static async Task ScoredAsync(HttpClient http, Random random)
    {
        int rows = random.Next(1, random.Next(20) == 0 ? 2000 : 20);
        string body = $$"""{"model":"two-moons","x":[{{string.Join(',', Enumerable.Range(0, rows).Select(i => $"[{random.NextSingle()},{i}]"))}}],"include":["z"]}""";
        Assert.Equal(rows, (await http.AskAsync("/logprob", body)).GetProperty("log_prob").GetArrayLength());
    }

    private static async Task RefusedAsync(HttpClient http, Random random)
    {
        string[] bodies = ["{", """{"model":"two-moons","x":[[1,2],[3]]}""", """{"model":"wide","x":[[NaN]]}""", """{"model":"none","count":1}""", ""];
        using HttpResponseMessage response = await http.SendAsync("/encode", bodies[random.Next(bodies.Length)]);
        Assert.InRange((int)response.StatusCode, 400, 499);
    }

    private static async Task CancelledAsync(HttpClient http, Random random)
    {
        using var leave = new CancellationTokenSource(random.Next(1, 20));
        try
        {
            using HttpResponseMessage response = await http.SendAsync("/sample", """{"model":"wide","count":5000}""", leave.Token);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }
        catch (OperationCanceledException)
        {
            // that is what it is for
        }
    }
}
