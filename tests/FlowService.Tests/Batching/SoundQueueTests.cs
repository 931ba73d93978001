using System.Net;
using FlowCore;
using FlowCore.Checkpoints;
using FlowCore.Engines;
using FlowService.Tests.Support;
using FlowSound;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;

namespace FlowService.Tests.Batching;

/// <summary>Blocks of sound wait in the model's queue with its rows: by priority, up to a deadline, in so many places.</summary>
public sealed class SoundQueueTests : IAsyncLifetime
{
    private const string Row = """{"model":"voice","count":1,"seed":1,"context":[""";

    private readonly TemporaryFolder repository = new();
    private readonly EngineHook hook = new();
    private ServiceHost host = null!;
    private HttpClient http = null!;

    public async ValueTask InitializeAsync()
    {
        SoundSpec sound = VocoderPreset.SoundOf(8000, noise: 0) with { Mels = 6 };
        using (Flow untrained = FlowBuilder.Build(VocoderPreset.Create("voice", sound, 1024, new PresetSizes(Layers: 2, Hidden: 8))))
            Checkpoint.Of(untrained).Write(Path.Combine(repository.Path, "voice", "1"), "# A test model\n");
        host = await ServiceHost.StartAsync(repository.Path, (checkpoint, _) => hook.Around(Engine.Open<float>(checkpoint)),
            ("Batching:QueueRows", "2"), ("Batching:BatchRows", "2"), ("Limits:RowsPerRequest", "2"), ("Limits:SamplesPerRequest", "2"));
        http = host.Http();
    }

    public async ValueTask DisposeAsync()
    {
        hook.Dispose();
        http.Dispose();
        await host.DisposeAsync();
        repository.Dispose();
    }

    [Fact]
    public async Task A_full_queue_is_429_and_a_deadline_that_passes_504()
    {
        using MetricCollector<long> batches = host.Metric<long>("flowservice.batches");
        Task<HttpResponseMessage> computing = await HeldAsync();
        foreach (string path in (string[])["/sample", "/logprob"])
        {
            using HttpResponseMessage late = await SoundAsync($"{path}?model=voice&timeout_ms=50");
            Assert.Equal("deadline-passed", (await Calls.ProblemAsync(late, HttpStatusCode.GatewayTimeout)).Type());
        }
        Assert.Equal(0, host.QueuedRows);

        Task<HttpResponseMessage> spoken = SoundAsync("/sample?model=voice"), scored = SoundAsync("/logprob?model=voice");
        await Eventually.TrueAsync(() => host.QueuedRows == 2, "two blocks wait");
        using HttpResponseMessage refused = await SoundAsync("/sample?model=voice");
        Assert.Equal("queue-full", (await Calls.ProblemAsync(refused, HttpStatusCode.TooManyRequests)).Type());
        Assert.NotNull(refused.Headers.RetryAfter);

        hook.Release();
        foreach (Task<HttpResponseMessage> each in (Task<HttpResponseMessage>[])[computing, spoken, scored])
        {
            using HttpResponseMessage answer = await each;
            Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
            Assert.Contains("queue;dur=", answer.Headers.GetValues("Server-Timing").Single(), StringComparison.Ordinal);
        }
        Assert.Equal(["inverse", "sound", "sound"], batches.GetMeasurementSnapshot().Select(each => each.Tags["operation"]).Order());
        Assert.Equal((0, 0), (host.QueuedRows, host.Pool.Outstanding));
    }

    [Fact]
    public async Task Interactive_rows_go_before_a_bulk_sound()
    {
        using MetricCollector<long> batches = host.Metric<long>("flowservice.batches");
        Task<HttpResponseMessage> computing = await HeldAsync();
        Task<HttpResponseMessage> bulk = SoundAsync("/sample?model=voice&priority=bulk");
        await Eventually.TrueAsync(() => host.QueuedRows == 1, "the sound waits");
        Task<HttpResponseMessage> row = RowAsync();
        await Eventually.TrueAsync(() => host.QueuedRows == 2, "the row waits behind it");

        await hook.StepAsync();

        Assert.Equal(["inverse"], batches.GetMeasurementSnapshot().Select(each => each.Tags["operation"]));
        hook.Release();
        foreach (HttpResponseMessage answer in await Task.WhenAll(computing, bulk, row))
            using (answer)
                Assert.True(answer.IsSuccessStatusCode);
    }

    [Fact]
    public async Task Each_block_of_a_long_sound_is_a_batch_and_a_row()
    {
        using MetricCollector<long> batches = host.Metric<long>("flowservice.batches"), rows = host.Metric<long>("flowservice.rows");
        using HttpResponseMessage answer = await http.PostAsync("/sample?model=voice&seed=1", Npy.Of(new float[6 * 400], 6, 400), Npy.MediaType, "audio/wav");
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        Assert.Equal(400 * 64, Sound.Read(await answer.Content.ReadAsByteArrayAsync()).Samples.Length);
        await Eventually.TrueAsync(() => rows.GetMeasurementSnapshot().Count == 1, "the request is counted");

        int blocks = batches.GetMeasurementSnapshot().Count;
        Assert.InRange(blocks, 3, 8);
        Assert.Equal(blocks, rows.GetMeasurementSnapshot().Single().Value);
    }

    private async Task<Task<HttpResponseMessage>> HeldAsync()
    {
        hook.Hold();
        Task<HttpResponseMessage> computing = RowAsync();
        await hook.Entered();
        return computing;
    }

    private Task<HttpResponseMessage> RowAsync() => http.SendAsync("/sample", $"{Row}{string.Join(',', new float[96])}]}}");

    private Task<HttpResponseMessage> SoundAsync(string path) => http.PostAsync(path, [.. Sound.Header(640, 8000), .. new byte[1280]], "audio/wav");
}
