using System.Globalization;
using System.Net;
using FlowService.Client;
using FlowService.OpenInference.Grpc.Protocol;
using FlowService.Security;
using FlowService.Tests.OpenInference;
using FlowService.Tests.Support;
using Grpc.Core;
using Grpc.Net.Client;

namespace FlowService.Tests.Security;

/// <summary>What keys open, by HTTP, by the Open Inference Protocol and by gRPC; and that they change while the service runs.</summary>
public sealed class KeyTests : IAsyncLifetime
{
    private const string OneRow = """{"model":"m","x":[[0,1]]}""";

    private readonly TemporaryFolder repository = new();
    private readonly string lab = KeyHash.NewKey(), limited = KeyHash.NewKey(), prometheus = KeyHash.NewKey(), boss = KeyHash.NewKey();
    private ServiceHost host = null!;

    private string KeysFile => Path.Combine(repository.Path, ".keys.json");

    public async ValueTask InitializeAsync()
    {
        foreach (string name in (string[])["m", "other"])
            TestModels.Write(repository.Path, TestModels.Spec(name, 2));
        WriteKeys(lab);
        host = await ServiceHost.StartAsync(repository.Path, null, ("Admin:Key", ""), ("Security:KeysFile", KeysFile), ("Batching:BatchRows", "16"),
            ("Keys:prometheus:Hash", $"{KeyHash.Of(prometheus)}"), ("Keys:prometheus:Scopes", "metrics"), ("Keys:boss:Hash", $"{KeyHash.Of(boss)}"), ("Keys:boss:Scopes", "admin, infer"));
    }

    public async ValueTask DisposeAsync()
    {
        await host.DisposeAsync();
        repository.Dispose();
    }

    [Fact]
    public async Task A_key_opens_what_its_scopes_name()
    {
        await ExpectAsync(null, HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized);
        await ExpectAsync("flow_nobodys", HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized);
        await ExpectAsync(lab, HttpStatusCode.OK, HttpStatusCode.Forbidden, HttpStatusCode.Forbidden);
        await ExpectAsync(prometheus, HttpStatusCode.Forbidden, HttpStatusCode.OK, HttpStatusCode.Forbidden);
        await ExpectAsync(boss, HttpStatusCode.OK, HttpStatusCode.Forbidden, HttpStatusCode.OK);
        using HttpClient anybody = Client(null);
        foreach (string open in (string[])["/health/live", "/health/ready", "/v2/health/ready", "/v2", "/swagger/v1/swagger.json"])
            Assert.Equal(HttpStatusCode.OK, (await anybody.GetAsync(open)).StatusCode);
        foreach (string closed in (string[])["/models", "/models/m", "/v2/models/m", "/v2/models/m/stats"])
            Assert.Equal(HttpStatusCode.Unauthorized, (await anybody.GetAsync(closed)).StatusCode);
    }

    [Fact]
    public async Task The_client_sends_its_key()
    {
        SampleAnswer answer = await new FlowClient($"{host.Address}", lab) { Model = "m" }.SampleAsync(2);
        FlowServiceException refused = await Assert.ThrowsAsync<FlowServiceException>(() => new FlowClient($"{host.Address}") { Model = "m" }.SampleAsync(2));

        Assert.Equal((2, HttpStatusCode.Unauthorized), (answer.Samples.Length, refused.Status));
    }

    [Fact]
    public async Task A_key_opens_its_models_alone()
    {
        using HttpClient http = Client(limited);

        await http.AskAsync("/logprob", OneRow);
        Assert.Contains("it is for m", (await http.RefusedAsync("/logprob", OneRow.Replace("\"m\"", "\"other\"", StringComparison.Ordinal), HttpStatusCode.Forbidden)).Detail(), StringComparison.Ordinal);
        foreach (string address in (string[])["/models/other", "/v2/models/other.sample", "/v2/models/other/versions/1/config"])
            Assert.Equal(HttpStatusCode.Forbidden, (await http.GetAsync(address)).StatusCode);
        foreach (string address in (string[])["/models/m", "/v2/models/m.sample"])
            Assert.Equal(HttpStatusCode.OK, (await http.GetAsync(address)).StatusCode);
        await http.PostRawAsync("/v2/models/other/infer", "{}").ErrorAsync(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task A_keys_rows_in_a_minute_are_counted_and_one_key_does_not_spend_anothers()
    {
        using HttpClient http = Client(limited);
        await http.AskAsync("/sample", """{"model":"m","count":7}""");
        await http.PostRawAsync("/v2/models/m.sample/infer", """{"inputs":[{"name":"num_samples","datatype":"INT64","shape":[1],"data":[3]}]}""").OkAsync();

        using HttpResponseMessage spent = await http.SendAsync("/sample", """{"model":"m","count":2}""");
        Assert.Equal("quota-spent", (await Calls.ProblemAsync(spent, HttpStatusCode.TooManyRequests)).Type());
        Assert.InRange(int.Parse(Assert.Single(spent.Headers.GetValues("Retry-After")), CultureInfo.InvariantCulture), 1, 60);
        Assert.Contains("11 rows", (await http.RefusedAsync("/sample", """{"model":"m","count":11}""", HttpStatusCode.RequestEntityTooLarge)).Detail(), StringComparison.Ordinal);
        using HttpClient other = Client(lab);
        await other.AskAsync("/sample", """{"model":"m","count":20}""");
    }

    [Fact]
    public async Task Keys_come_and_go_without_a_restart_and_a_file_that_cannot_be_read_changes_nothing()
    {
        string fresh = KeyHash.NewKey();
        using HttpClient old = Client(lab), young = Client(fresh);
        Assert.Equal(HttpStatusCode.Unauthorized, (await young.GetAsync("/models")).StatusCode);

        WriteKeys(fresh);
        await Eventually.TrueAsync(async () => (await young.GetAsync("/models")).StatusCode == HttpStatusCode.OK, "the new key is known");
        Assert.Equal(HttpStatusCode.Unauthorized, (await old.GetAsync("/models")).StatusCode);

        KeyRing ring = (KeyRing)host.Services.GetService(typeof(KeyRing))!;
        File.WriteAllText(KeysFile, "{");
        ring.ReadAgain();
        Assert.Equal(HttpStatusCode.OK, (await young.GetAsync("/models")).StatusCode);

        File.WriteAllText(KeysFile, "{}");
        ring.ReadAgain();
        using HttpClient nobody = Client(null);
        Assert.Equal(HttpStatusCode.Unauthorized, (await nobody.GetAsync("/models")).StatusCode);
    }

    [Fact]
    public async Task By_gRPC_the_same_keys_open_the_same()
    {
        Assert.Equal(StatusCode.Unauthenticated, await LoadAsync(null));
        Assert.Equal(StatusCode.PermissionDenied, await LoadAsync(lab));
        Assert.Equal(StatusCode.OK, await LoadAsync(boss));
        Assert.Equal(StatusCode.Unauthenticated, await InferAsync(null, "m"));
        Assert.Equal(StatusCode.OK, await InferAsync(lab, "other"));
        Assert.Equal(StatusCode.PermissionDenied, await InferAsync(limited, "other"));
        Assert.Equal(StatusCode.OK, await InferAsync(limited, "m", rows: 10));
        Assert.Equal(StatusCode.ResourceExhausted, await InferAsync(limited, "m", rows: 5));
    }

    [Fact]
    public async Task Each_call_by_gRPC_is_refused_to_whom_it_is_by_HTTP()
    {
        using GrpcChannel channel = GrpcChannel.ForAddress(host.GrpcAddress);
        var client = new GRPCInferenceService.GRPCInferenceServiceClient(channel);
        (HttpMethod Method, string Address, Func<Metadata, Task> Call)[] calls =
        [
            (HttpMethod.Get, "/v2", headers => client.ServerMetadataAsync(new(), headers).ResponseAsync),
            (HttpMethod.Get, "/v2/health/live", headers => client.ServerLiveAsync(new(), headers).ResponseAsync),
            (HttpMethod.Get, "/v2/health/ready", headers => client.ServerReadyAsync(new(), headers).ResponseAsync),
            (HttpMethod.Get, "/v2/models/other/ready", headers => client.ModelReadyAsync(new() { Name = "other" }, headers).ResponseAsync),
            (HttpMethod.Get, "/v2/models/other.decode/ready", headers => client.ModelReadyAsync(new() { Name = "other.decode" }, headers).ResponseAsync),
            (HttpMethod.Get, "/v2/models/other", headers => client.ModelMetadataAsync(new() { Name = "other" }, headers).ResponseAsync),
            (HttpMethod.Get, "/v2/models/other/config", headers => client.ModelConfigAsync(new() { Name = "other" }, headers).ResponseAsync),
            (HttpMethod.Get, "/v2/models/other/stats", headers => client.ModelStatisticsAsync(new() { Name = "other" }, headers).ResponseAsync),
            (HttpMethod.Get, "/v2/models/stats", headers => client.ModelStatisticsAsync(new(), headers).ResponseAsync),
            (HttpMethod.Post, "/v2/repository/index", headers => client.RepositoryIndexAsync(new(), headers).ResponseAsync),
            (HttpMethod.Post, "/v2/repository/models/other/load", headers => client.RepositoryModelLoadAsync(new() { ModelName = "other" }, headers).ResponseAsync),
            (HttpMethod.Post, "/v2/repository/models/other/unload", headers => client.RepositoryModelUnloadAsync(new() { ModelName = "other" }, headers).ResponseAsync),
        ];
        foreach (string? key in (string?[])[null, "flow_nobodys", prometheus, limited, lab, boss])
        {
            using HttpClient http = Client(key);
            foreach (var (method, address, call) in calls)
            {
                using HttpResponseMessage answer = await http.SendAsync(new(method, address));
                StatusCode status = answer.StatusCode switch
                {
                    HttpStatusCode.Unauthorized => StatusCode.Unauthenticated,
                    HttpStatusCode.Forbidden => StatusCode.PermissionDenied,
                    _ => StatusCode.OK,
                };
                Assert.Equal((key, address, status), (key, address, await CallAsync(key, _ => call(Headers(key)))));
            }
        }
    }

    private Task<StatusCode> LoadAsync(string? key) => CallAsync(key, client => client.RepositoryModelLoadAsync(new() { ModelName = "m" }, Headers(key)).ResponseAsync);

    private Task<StatusCode> InferAsync(string? key, string model, int rows = 1) => CallAsync(key, client => client.ModelInferAsync(new()
    {
        ModelName = model + ".sample",
        Inputs = { new ModelInferRequest.Types.InferInputTensor { Name = "num_samples", Datatype = "INT64", Shape = { 1 }, Contents = new() { Int64Contents = { rows } } } },
    }, Headers(key)).ResponseAsync);

    private async Task<StatusCode> CallAsync(string? key, Func<GRPCInferenceService.GRPCInferenceServiceClient, Task> call)
    {
        using GrpcChannel channel = GrpcChannel.ForAddress(host.GrpcAddress);
        try
        {
            await call(new(channel));
            return StatusCode.OK;
        }
        catch (RpcException e)
        {
            Assert.Contains(e.StatusCode == StatusCode.ResourceExhausted ? "in a minute" : "key", e.Status.Detail, StringComparison.Ordinal);
            return e.StatusCode;
        }
    }

    private static Metadata Headers(string? key) => key is null ? [] : new Metadata { { "authorization", $"Bearer {key}" } };

    private async Task ExpectAsync(string? key, HttpStatusCode infer, HttpStatusCode metrics, HttpStatusCode admin)
    {
        using HttpClient http = Client(key);
        Assert.Equal((infer, metrics, admin), ((await http.SendAsync("/logprob", OneRow)).StatusCode, (await http.GetAsync("/metrics")).StatusCode, (await http.PostAsync("/models/m/load", null)).StatusCode));
    }

    private HttpClient Client(string? key)
    {
        HttpClient http = host.Anonymous();
        if (key is not null)
            http.DefaultRequestHeaders.Authorization = new("Bearer", key);
        return http;
    }

    private void WriteKeys(string ofLab)
    {
        string next = KeysFile + ".next";
        File.WriteAllText(next, $$"""{"lab": {"Hash": "{{KeyHash.Of(ofLab)}}"}, "limited": {"Hash": "{{KeyHash.Of(limited)}}", "Models": "m", "RowsPerMinute": 10} }""");
        File.Move(next, KeysFile, overwrite: true);
    }
}
