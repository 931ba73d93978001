using System.Diagnostics;
using System.Net;
using FlowService.Models;
using FlowService.Tests.Support;

namespace FlowService.Tests.Soak;

/// <summary>Runs alone: live tensors and memory are counted for the whole process.</summary>
[CollectionDefinition(nameof(SoakTests), DisableParallelization = true)]
public sealed class SoakRunsAlone;

/// <summary>A minute of everything at once. <c>dotnet test --filter Category!=Soak</c> leaves it out.</summary>
[Collection(nameof(SoakTests))]
[Trait("Category", "Soak")]
public sealed class SoakTests : IDisposable
{
    private const int Clients = 8;
    private const long MostGrowth = 64 << 20;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(25), Rest = TimeSpan.FromSeconds(35);

    private readonly TemporaryFolder repository = TestModels.Repository();

    public void Dispose() => repository.Dispose();

    [Fact]
    public async Task A_minute_of_mixed_load_leaves_no_tensor_behind_and_memory_does_not_grow()
    {
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, null, ("Batching:BatchRows", "512"));
        await LoadAsync(host, WarmUp, 0);
        (long tensors, long memory) = (TorchRuntime.LiveTensors, Memory());
        await LoadAsync(host, Rest, Clients);
        (long tensorsAfter, long memoryAfter) = (TorchRuntime.LiveTensors, Memory());

        TestContext.Current.TestOutputHelper?.WriteLine($"tensors {tensors} -> {tensorsAfter}, memory {memory >> 20} -> {memoryAfter >> 20} MiB");
        Assert.Equal(tensors, tensorsAfter);
        Assert.InRange(memoryAfter - memory, long.MinValue, MostGrowth);
    }

    /// <summary>Mixed load for a while; returns when the service is idle again.</summary>
    private static async Task LoadAsync(ServiceHost host, TimeSpan length, int seed)
    {
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(seed, Clients).Select(each => Task.Run(() => ClientAsync(host, new Random(each), clock, length))));
        await Eventually.TrueAsync(() => host.QueuedRows == 0 && host.Pool.Outstanding == 0, "all work is done and every buffer returned");
    }

    private static async Task ClientAsync(ServiceHost host, Random random, Stopwatch clock, TimeSpan length)
    {
        using HttpClient http = host.Http();
        while (clock.Elapsed < length)
            await (random.Next(8) switch
            {
                0 => RefusedAsync(http, random),
                1 => CancelledAsync(http, random),
                2 or 3 => SampledAsync(http, random),
                _ => ScoredAsync(http, random),
            });
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

    /// <summary>What the process holds once everything that it could give back is given back.</summary>
    private static long Memory()
    {
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }
}
