using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using FlowService.Limits;
using FlowService.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace FlowService.Tests.Http;

/// <summary>Statuses that depend on what else the service does: 429, 503, 504 and 500.</summary>
public sealed class BusyTests : IAsyncLifetime
{
    private const string OneRow = """{"model":"two-moons","x":[[0,1]]}""";

    private readonly TemporaryFolder repository = new();
    private readonly EngineHook hook = new();
    private ServiceHost host = null!;
    private HttpClient http = null!;

    public async ValueTask InitializeAsync()
    {
        TestModels.Write(repository.Path, TestModels.Spec(TestModels.Plain, 2));
        host = await ServiceHost.StartAsync(repository.Path, hook.Engines,
            ("Batching:QueueRows", "10"), ("Batching:BatchRows", "4"), ("Limits:RowsPerRequest", "10"), ("Limits:SamplesPerRequest", "10"), ("Limits:RefusalsPerSecond", "0.001"));
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
    public async Task A_full_queue_is_429_at_once_with_Retry_After()
    {
        var (computing, waiting) = await FillAsync();

        using HttpResponseMessage refused = await http.SendAsync("/logprob", OneRow);

        Assert.Equal("queue-full", (await Calls.ProblemAsync(refused, HttpStatusCode.TooManyRequests)).Type());
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 2);
        hook.Release();
        await computing;
        Assert.Equal(10, (await waiting).Rows("samples").Length);
        await http.AskAsync("/logprob", OneRow);
        Assert.Equal(0, host.QueuedRows);
    }

    [Fact]
    public async Task A_refusal_beyond_the_pace_waits_its_turn_and_costs_nothing_where_its_client_leaves()
    {
        var (computing, waiting) = await FillAsync();
        RefusalPace pace = host.Services.GetRequiredService<RefusalPace>();
        await http.RefusedAsync("/logprob", OneRow, HttpStatusCode.TooManyRequests);
        using var leave = new CancellationTokenSource();
        Task<HttpResponseMessage>[] more = [.. from path in new[] { "/logprob", "/v2/models/two-moons/infer" } select http.SendAsync(path, OneRow, leave.Token)];
        await Eventually.TrueAsync(() => pace.Waiting == 2, "two refusals wait");

        await leave.CancelAsync();

        foreach (Task<HttpResponseMessage> one in more)
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => one);
        await Eventually.TrueAsync(() => pace.Waiting == 0, "those who left wait no more");
        hook.Release();
        await computing;
        Assert.Equal(10, (await waiting).Rows("samples").Length);
        await http.AskAsync("/logprob", OneRow);
    }

    /// <summary>None of these bodies is sent to its end.</summary>
    [Theory]
    [InlineData("/logprob?model=two-moons", "application/x-npy", null)]
    [InlineData("/logprob?model=two-moons", "text/csv", "x_0,x_1\n0,1\n")]
    [InlineData("/logprob?model=two-moons", "application/json", """{"x":[[0,1],""")]
    [InlineData("/logprob", "application/json", """{"model":"two-moons","x":[[0,1],""")]
    [InlineData("/logprob", "application/json", """{"model":"two-moons","context":[[1]],"x":[[0,1],""")]
    [InlineData("/decode", "application/json", """{"model":"two-moons","z":[[0,1],""")]
    [InlineData("/v2/models/two-moons/infer", "application/json", """{"inputs":[""")]
    public async Task Rows_are_refused_before_they_are_sent(string path, string type, string? text)
    {
        var (computing, waiting) = await FillAsync();
        byte[] body = text is null ? Npy.Of(new float[6], 3, 2)[..^24] : Encoding.UTF8.GetBytes(text);
        using var client = new TcpClient(host.Address.Host, host.Address.Port);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(
            $"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {type}\r\nContent-Length: {body.Length + 24}\r\nConnection: close\r\n\r\n"));
        await client.GetStream().WriteAsync(body);
        using var reader = new StreamReader(client.GetStream());

        Assert.Equal("HTTP/1.1 429 Too Many Requests", await reader.ReadLineAsync());
        hook.Release();
        await computing;
        await waiting;
        await host.BuffersAreBackAsync();
    }

    [Fact]
    public async Task A_deadline_that_passes_is_504_and_costs_no_compute()
    {
        hook.Hold();
        Task<JsonElement> computing = http.AskAsync("/logprob", OneRow);
        await hook.Entered();

        JsonElement problem = await http.RefusedAsync("/sample", """{"model":"two-moons","count":3,"timeout_ms":50}""", HttpStatusCode.GatewayTimeout);

        Assert.Equal("deadline-passed", problem.Type());
        Assert.Equal(0, host.QueuedRows);
        hook.Release();
        await computing;
        await http.AskAsync("/logprob", OneRow);
        Assert.Equal(["forward 1", "forward 1"], hook.Batches);
    }

    [Fact]
    public async Task A_fault_of_the_engine_is_500_and_its_words_stay_in_the_log()
    {
        JsonElement problem = await http.RefusedAsync("/logprob", """{"model":"two-moons","x":[[666,1]]}""", HttpStatusCode.InternalServerError);

        Assert.Equal("internal", problem.Type());
        Assert.DoesNotContain("secret", problem.GetRawText(), StringComparison.Ordinal);
        Assert.NotEmpty(problem.GetProperty("trace_id").GetString()!);
        await http.AskAsync("/logprob", OneRow);
    }

    [Fact]
    public async Task Readiness_asks_the_device_for_a_row_when_the_last_batch_failed()
    {
        hook.Fault = new InvalidOperationException("the device has fallen off the bus");
        await http.RefusedAsync("/logprob", OneRow, HttpStatusCode.InternalServerError);
        hook.Batches.Clear();

        using HttpResponseMessage dead = await http.GetAsync("/health/ready");

        Assert.Contains("fails to compute a single row", (await Calls.ProblemAsync(dead, HttpStatusCode.ServiceUnavailable)).Detail(), StringComparison.Ordinal);
        Assert.Equal(["inverse 1"], hook.Batches);
        hook.Fault = null;
        for (int i = 0; i < 3; i++)
            Assert.True((await http.GetAsync("/health/ready")).IsSuccessStatusCode);
        Assert.Equal(["inverse 1", "inverse 1"], hook.Batches); // once it answered there is nothing to ask
    }

    [Fact]
    public async Task A_client_whose_rows_fail_does_not_make_the_service_unready()
    {
        await http.RefusedAsync("/logprob", """{"model":"two-moons","x":[[666,1]]}""", HttpStatusCode.InternalServerError);

        Assert.True((await http.GetAsync("/health/ready")).IsSuccessStatusCode);
    }

    [Fact]
    public async Task Every_buffer_is_back_in_the_pool_after_requests_of_every_outcome()
    {
        await http.AskAsync("/logprob", """{"model":"two-moons","x":[[0,1]],"include":["z","latent_norm2","bits_per_dim"]}""");
        await http.AskAsync("/sample", """{"model":"two-moons","count":3,"include":["z"]}""");
        await http.RefusedAsync("/logprob", """{"model":"two-moons","x":[[0,1],[2""", HttpStatusCode.BadRequest);
        await http.RefusedAsync("/decode", """{"model":"two-moons","z":[[0,1,2]]}""", HttpStatusCode.UnprocessableEntity);
        await http.RefusedAsync("/logprob", """{"model":"two-moons","x":[[666,1]]}""", HttpStatusCode.InternalServerError);
        await http.RefusedAsync("/sample", """{"model":"two-moons","count":3,"context":[[1]]}""", HttpStatusCode.UnprocessableEntity);

        await host.BuffersAreBackAsync();
    }

    [Fact]
    public async Task A_client_that_goes_away_while_it_waits_costs_no_compute()
    {
        hook.Hold();
        Task<JsonElement> computing = http.AskAsync("/logprob", OneRow);
        await hook.Entered();
        using var leave = new CancellationTokenSource();
        Task gone = http.SendAsync("/sample", """{"model":"two-moons","count":10}""", leave.Token);
        await Eventually.TrueAsync(() => host.QueuedRows == 10, "the request waits");
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gone);
        await Eventually.TrueAsync(() => host.QueuedRows == 0, "its places are free again");

        hook.Release();
        await computing;
        await http.AskAsync("/logprob", OneRow);
        Assert.Equal(["forward 1", "forward 1"], hook.Batches);
        await host.BuffersAreBackAsync();
    }

    [Fact]
    public async Task A_client_that_goes_away_stops_its_large_request_at_the_next_slice()
    {
        hook.Hold();
        using var leave = new CancellationTokenSource();
        Task gone = http.SendAsync("/sample", """{"model":"two-moons","count":10}""", leave.Token);
        await hook.Entered();
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gone);
        await Eventually.TrueAsync(() => host.AbortedRequests == 1, "the service has noticed");

        hook.Release();
        await Eventually.TrueAsync(() => host.QueuedRows == 0 && host.Pool.Outstanding == 0, "the request is given up");
        Assert.Equal(["inverse 4"], hook.Batches);
    }

    /// <summary>Holds a request of one row in the engine, and one behind it that takes the queue's ten places.</summary>
    private async Task<(Task<JsonElement> Computing, Task<JsonElement> Waiting)> FillAsync()
    {
        hook.Hold();
        Task<JsonElement> computing = http.AskAsync("/logprob", OneRow);
        await hook.Entered();
        Task<JsonElement> waiting = http.AskAsync("/sample", """{"model":"two-moons","count":10}""");
        await Eventually.TrueAsync(() => host.QueuedRows == 10, "ten rows wait");
        return (computing, waiting);
    }
}
