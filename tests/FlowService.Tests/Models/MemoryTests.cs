using System.Diagnostics;
using System.Net;
using System.Text.Json;
using FlowCore.Checkpoints;
using FlowCore.Engines;
using FlowService.Models;
using FlowService.Tests.Support;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;

namespace FlowService.Tests.Models;

[CollectionDefinition(nameof(MemoryTests), DisableParallelization = true)]
public sealed class MemoryIsMeasuredAlone;

/// <summary>Models that leave give their memory back, by hand or to make room. It runs alone: tensors are counted for the whole process.</summary>
[Collection(nameof(MemoryTests))]
public sealed class MemoryTests : IDisposable
{
    private const int Cycles = 50;
    // A copy of the weights that stayed behind would be 50 times 5 MB; the C library's arenas come and go by some tens.
    private const long MostGrowth = 128 << 20;

    private readonly TemporaryFolder repository = new();

    public void Dispose() => repository.Dispose();

    [Fact]
    public async Task Fifty_cycles_of_load_and_unload_leave_tensors_and_memory_as_they_were()
    {
        TestModels.Write(repository.Path, TestModels.Spec("large", 64, hidden: 500), 1, scale: 0.02f);
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, null, ("Batching:BatchRows", "16"), ("Models:PollSeconds", "0"));
        using HttpClient http = host.Http();
        await CyclesAsync(http, 5);
        (long memory, long tensors) = (Memory(), TorchRuntime.LiveTensors);
        await CyclesAsync(http, Cycles);
        (long memoryAfter, long tensorsAfter) = (Memory(), TorchRuntime.LiveTensors);

        TestContext.Current.TestOutputHelper?.WriteLine($"tensors {tensors} -> {tensorsAfter}, memory {memory >> 20} -> {memoryAfter >> 20} MiB");
        // An engine and its float64 reference are built in each cycle; what building alone adds to TorchSharp's counter is no tensor.
        Assert.InRange(tensorsAfter - tensors, 0, Cycles * 2 * CountedForEver());
        Assert.InRange(memoryAfter - memory, long.MinValue, MostGrowth);
    }

    [Fact]
    public async Task Models_that_do_not_fit_are_loaded_on_demand_and_the_least_recently_used_makes_room()
    {
        string[] names = ["a", "b", "c"];
        foreach (string name in names)
            TestModels.Write(repository.Path, TestModels.Spec(name, 2));
        long one = new FileInfo(Path.Combine(repository.Path, "a", "1", Checkpoint.WeightsFile)).Length;
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, null, ("Models:MemoryBytes", $"{2 * one + one / 2}"), ("Batching:BatchRows", "16"));
        using HttpClient http = host.Http();
        using MetricCollector<long> evictions = host.Metric<long>("flowservice.model.evictions");

        Assert.Equal("a ready b ready c on_demand", await StatesAsync(http));
        await AskAsync(http, "a"); // b is the least recently used now
        await AskAsync(http, "c");
        Assert.Equal("a ready b on_demand c ready", await StatesAsync(http));
        await AskAsync(http, "b");
        Assert.Equal("a on_demand b ready c ready", await StatesAsync(http));
        await Task.WhenAll(Enumerable.Range(0, 60).Select(i => AskAsync(http, names[i % 3]))); // no request fails, whoever makes room
        Assert.True(evictions.GetMeasurementSnapshot().Count >= 2);
        Assert.InRange(host.Registry.Served.Count(), 1, 2);
    }

    [Fact]
    public async Task A_request_waits_for_its_model_no_longer_than_its_deadline()
    {
        TestModels.Write(repository.Path, TestModels.Spec("a", 2));
        TestModels.Write(repository.Path, TestModels.Spec("b", 2));
        long one = new FileInfo(Path.Combine(repository.Path, "a", "1", Checkpoint.WeightsFile)).Length;
        using var hook = new EngineHook();
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, hook.Engines, ("Models:MemoryBytes", $"{one + 1}"), ("Batching:BatchRows", "16"));
        using HttpClient http = host.Http();
        hook.Hold();
        Task<JsonElement> computing = AskAsync(http, "a");
        await hook.Entered();

        // a must finish before b fits.
        JsonElement problem = await http.RefusedAsync("/sample", """{"model":"b","count":1,"timeout_ms":50}""", HttpStatusCode.GatewayTimeout);

        Assert.Equal("deadline-passed", problem.Type());
        hook.Release();
        await computing;
        await AskAsync(http, "b");
    }

    [Fact]
    public async Task A_model_larger_than_the_limit_is_refused_with_the_remedy()
    {
        TestModels.Write(repository.Path, TestModels.Spec("a", 2));
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, null, ("Models:MemoryBytes", "100"));
        using HttpClient http = host.Http();

        JsonElement problem = await http.RefusedAsync("/sample", """{"model":"a","count":1}""", HttpStatusCode.ServiceUnavailable);

        Assert.Contains("raise Models:MemoryBytes (100)", problem.Detail(), StringComparison.Ordinal);
    }

    /// <summary>TorchSharp's counter never forgets a tensor that became a parameter: what one engine adds to it that is built and disposed of.</summary>
    private long CountedForEver()
    {
        Checkpoint checkpoint = Checkpoint.Read(Path.Combine(repository.Path, "large", "1"));
        Memory();
        long before = TorchRuntime.LiveTensors;
        new TorchEngine<double>(checkpoint.BuildFlow()).Dispose();
        Memory();
        return TorchRuntime.LiveTensors - before;
    }

    private static async Task CyclesAsync(HttpClient http, int count)
    {
        for (int i = 0; i < count; i++)
        {
            await http.AskAsync("/sample", """{"model":"large","count":3}""");
            await http.AskAsync("/models/large/unload", "");
            await http.AskAsync("/models/large/load", "");
        }
    }

    private static Task<JsonElement> AskAsync(HttpClient http, string model) => http.AskAsync("/sample", $$"""{"model":"{{model}}","count":3}""");

    private static async Task<string> StatesAsync(HttpClient http) => string.Join(' ', JsonDocument.Parse(await http.GetStringAsync("/models")).RootElement
        .GetProperty("models").EnumerateArray().Select(model => $"{model.GetProperty("name")} {model.GetProperty("state")}"));

    private static long Memory()
    {
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }
}
