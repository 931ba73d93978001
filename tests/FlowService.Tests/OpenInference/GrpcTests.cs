using System.Runtime.InteropServices;
using FlowService.OpenInference.Grpc.Protocol;
using FlowService.Tests.Support;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;
using Grpc.Net.Client.Configuration;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using static FlowService.OpenInference.Grpc.Protocol.ModelInferRequest.Types;

namespace FlowService.Tests.OpenInference;

/// <summary>The protocol over gRPC, over a real HTTP/2 port: every call, every status, and the numbers of the service's own endpoints.</summary>
public sealed class GrpcTests : IAsyncLifetime
{
    private readonly TemporaryFolder repository = TestModels.Repository();
    private readonly EngineHook hook = new();
    private ServiceHost host = null!;
    private HttpClient http = null!;
    private GrpcChannel channel = null!;
    private GRPCInferenceService.GRPCInferenceServiceClient client = null!;

    public async ValueTask InitializeAsync()
    {
        host = await ServiceHost.StartAsync(repository.Path, hook.Engines,
            ("Batching:QueueRows", "10"), ("Batching:BatchRows", "4"), ("Limits:RowsPerRequest", "10"), ("Limits:SamplesPerRequest", "10"),
            ("Limits:BodyBytes", "100000"), ("Admin:Key", "s3cret"));
        http = host.Http();
        channel = GrpcChannel.ForAddress(host.GrpcAddress);
        client = new(channel);
    }

    public async ValueTask DisposeAsync()
    {
        hook.Dispose();
        channel.Dispose();
        http.Dispose();
        await host.DisposeAsync();
        repository.Dispose();
    }

    [Fact]
    public async Task The_server_lives_is_ready_and_names_itself()
    {
        Assert.True((await client.ServerLiveAsync(new())).Live);
        Assert.True((await client.ServerReadyAsync(new())).Ready);
        Assert.True((await client.ModelReadyAsync(new() { Name = "wide.decode", Version = "1" })).Ready);
        Assert.Equal("flowservice", (await client.ServerMetadataAsync(new())).Name);
        var health = new Health.HealthClient(channel);
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, (await health.CheckAsync(new() { Service = "inference.GRPCInferenceService" })).Status);
        await RefusedAsync(StatusCode.NotFound, async () => await health.CheckAsync(new() { Service = "other" }));
        using AsyncServerStreamingCall<HealthCheckResponse> watch = health.Watch(new());
        Assert.True(await watch.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, watch.ResponseStream.Current.Status);
    }

    [Theory]
    [InlineData("two-moons", "", true)]
    [InlineData("two-moons", "9", false)]
    [InlineData("none", "", false)]
    [InlineData("none.sample", "1", false)]
    public async Task Whether_a_model_is_ready_is_answered_also_where_there_is_none(string name, string version, bool ready)
    {
        using HttpResponseMessage rest = await http.GetAsync($"/v2/models/{name}{(version.Length > 0 ? $"/versions/{version}" : "")}/ready");

        Assert.Equal(ready, (await client.ModelReadyAsync(new() { Name = name, Version = version })).Ready);
        Assert.Equal(ready, rest.IsSuccessStatusCode); // what clients of REST look at
    }

    [Fact]
    public async Task While_models_are_loaded_none_is_ready_and_calls_say_when_to_come_again()
    {
        using TemporaryFolder models = TestModels.Repository();
        using var slow = new EngineHook();
        slow.Hold();
        await using ServiceHost starting = ServiceHost.Start(models.Path, slow.Engines);
        using GrpcChannel other = GrpcChannel.ForAddress(starting.GrpcAddress);
        var early = new GRPCInferenceService.GRPCInferenceServiceClient(other);

        Assert.False((await early.ModelReadyAsync(new() { Name = "two-moons" })).Ready);
        RpcException refusal = await RefusedAsync(StatusCode.Unavailable, async () => await early.ModelMetadataAsync(new() { Name = "two-moons" }));
        slow.Release();

        Assert.Equal("2000", refusal.Trailers.GetValue("grpc-retry-pushback-ms"));
    }

    [Fact]
    public async Task A_client_with_a_retry_policy_waits_as_long_as_it_is_told()
    {
        var policy = new RetryPolicy
        {
            MaxAttempts = 2,
            InitialBackoff = TimeSpan.FromDays(1),
            MaxBackoff = TimeSpan.FromDays(1),
            BackoffMultiplier = 1,
            RetryableStatusCodes = { StatusCode.ResourceExhausted },
        };
        using GrpcChannel patient = GrpcChannel.ForAddress(host.GrpcAddress, new GrpcChannelOptions
        {
            ServiceConfig = new() { MethodConfigs = { new MethodConfig { Names = { MethodName.Default }, RetryPolicy = policy } } },
        });
        byte[] row = V2Calls.Bytes(0f, 1f);
        hook.Hold();
        Task<ModelInferResponse> computing = client.ModelInferAsync(Raw("two-moons", ("x", "FP32", [1, 2], row))).ResponseAsync;
        await hook.Entered();
        Task<ModelInferResponse> waiting = client.ModelInferAsync(Raw("two-moons.sample", ("num_samples", "INT64", [1], V2Calls.Bytes(10L)))).ResponseAsync;
        await Eventually.TrueAsync(() => host.QueuedRows == 10, "ten rows wait");
        using MetricCollector<long> refused = host.Metric<long>("flowservice.rejections");

        Task<ModelInferResponse> retried = new GRPCInferenceService.GRPCInferenceServiceClient(patient)
            .ModelInferAsync(Raw("two-moons", ("x", "FP32", [1, 2], row))).ResponseAsync;
        await Eventually.TrueAsync(() => refused.GetMeasurementSnapshot().Count == 1, "the first attempt is refused");
        hook.Release();

        Assert.Equal("two-moons", (await retried).ModelName);
        await Task.WhenAll(computing, waiting);
    }

    [Theory]
    [InlineData("inference.GRPCInferenceService", "SystemSharedMemoryStatus")]
    [InlineData("inference.GRPCInferenceService", "TraceSetting")]
    [InlineData("grpc.reflection.v1.ServerReflection", "ServerReflectionInfo")]
    public async Task A_method_that_is_not_served_is_UNIMPLEMENTED_with_those_that_are(string name, string method)
    {
        var nothing = Marshallers.Create(_ => Array.Empty<byte>(), _ => "");
        var unserved = new Method<string, string>(MethodType.Unary, name, method, nothing, nothing);

        RpcException refusal = await RefusedAsync(StatusCode.Unimplemented,
            async () => await channel.CreateCallInvoker().AsyncUnaryCall(unserved, null, default, ""));

        Assert.StartsWith($"/{name}/{method} is not served; the methods of inference.GRPCInferenceService are ServerLive, ", refusal.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_says_what_REST_says()
    {
        ModelMetadataResponse metadata = await client.ModelMetadataAsync(new() { Name = "digits.sample" });
        ModelConfig config = (await client.ModelConfigAsync(new() { Name = "posterior" })).Config;

        Assert.Equal(["num_samples", "context", "seed", "temperature", "offset"], metadata.Inputs.Select(input => input.Name));
        Assert.Equal([-1, 4], metadata.Outputs[0].Shape);
        Assert.Equal((10, ModelConfig.SchedulingChoiceOneofCase.DynamicBatching), (config.MaxBatchSize, config.SchedulingChoiceCase));
        Assert.Equal([("x", DataType.TypeFp32, 3L), ("context", DataType.TypeFp32, 2L)], config.Input.Select(input => (input.Name, input.DataType, input.Dims[0])));
        Assert.Equal(ModelVersionPolicy.PolicyChoiceOneofCase.All, config.VersionPolicy.PolicyChoiceCase);
    }

    [Fact]
    public async Task Raw_contents_are_answered_raw_and_typed_ones_typed_with_the_native_numbers()
    {
        var expected = await http.AskAsync("/logprob", """{"model":"two-moons","x":[[0.5,-1],[1.25,0.75]],"include":["z"]}""");

        ModelInferResponse raw = await client.ModelInferAsync(Raw("two-moons", ("x", "FP32", [2, 2], V2Calls.Bytes(0.5f, -1, 1.25f, 0.75f))));
        ModelInferResponse typed = await client.ModelInferAsync(new()
        {
            ModelName = "two-moons",
            ModelVersion = "1",
            Id = "a-7",
            Inputs = { new InferInputTensor { Name = "x", Datatype = "FP64", Shape = { 2, 2 }, Contents = new() { Fp64Contents = { 0.5, -1, 1.25, 0.75 } } } },
            Outputs = { new InferRequestedOutputTensor { Name = "z" } },
        });

        Assert.Equal(["log_prob", "z", "log_det"], raw.Outputs.Select(output => output.Name));
        Assert.All(raw.Outputs, output => Assert.Null(output.Contents));
        Assert.Equal(expected.Floats("log_prob"), Floats(raw.RawOutputContents[0]));
        Assert.Equal(("a-7", "1", 0), (typed.Id, typed.ModelVersion, typed.RawOutputContents.Count));
        Assert.Equal(expected.Rows("z").SelectMany(row => row), Assert.Single(typed.Outputs).Contents.Fp32Contents);
        Assert.Equal([2, 2], typed.Outputs[0].Shape);
    }

    [Fact]
    public async Task Samples_take_typed_integers_and_tell_their_seed()
    {
        var expected = await http.AskAsync("/sample", """{"model":"digits","count":2,"seed":7,"context":[2,0]}""");
        ModelInferResponse answer = await client.ModelInferAsync(new()
        {
            ModelName = "digits.sample",
            Inputs =
            {
                new InferInputTensor { Name = "num_samples", Datatype = "INT64", Shape = { 1 }, Contents = new() { Int64Contents = { 2 } } },
                new InferInputTensor { Name = "seed", Datatype = "UINT64", Shape = { 1 }, Contents = new() { Uint64Contents = { 7 } } },
                new InferInputTensor { Name = "context", Datatype = "INT32", Shape = { 2, 1 }, Contents = new() { IntContents = { 2, 0 } } },
            },
        });

        Assert.Equal(expected.Rows("samples").SelectMany(row => row), answer.Outputs[0].Contents.Fp32Contents, Near.Float);
        Assert.Equal(7, answer.Parameters["seed"].Int64Param);
    }

    [Fact]
    public async Task A_stream_answers_each_request_in_turn_also_where_one_fails()
    {
        using AsyncDuplexStreamingCall<ModelInferRequest, ModelStreamInferResponse> call = client.ModelStreamInfer();
        byte[] row = V2Calls.Bytes(0f, 1f);
        ModelInferRequest good = Raw("two-moons", ("x", "FP32", [1, 2], row)), bad = Raw("two-moons", ("y", "FP32", [1, 2], row));
        (good.Id, bad.Id) = ("1", "2");
        foreach (ModelInferRequest request in new[] { good, bad, good })
            await call.RequestStream.WriteAsync(request);
        await call.RequestStream.CompleteAsync();

        List<ModelStreamInferResponse> answers = [];
        await foreach (ModelStreamInferResponse answer in call.ResponseStream.ReadAllAsync())
            answers.Add(answer);

        Assert.Equal(["1", "2", "1"], answers.Select(answer => answer.InferResponse.Id));
        Assert.Equal(["", "input 'y' is unknown: the inputs of model 'two-moons' are x", ""], answers.Select(answer => answer.ErrorMessage));
    }

    [Fact]
    public async Task What_is_wrong_with_a_request_is_INVALID_ARGUMENT_and_is_named()
    {
        byte[] row = V2Calls.Bytes(0f, 1f);
        ModelInferRequest mixed = Raw("two-moons", ("x", "FP32", [1, 2], row)), few = mixed.Clone(), priority = mixed.Clone();
        mixed.Inputs[0].Contents = new() { Fp32Contents = { 0, 1 } };
        few.RawInputContents.Add(ByteString.Empty);
        priority.Parameters["priority"] = new() { StringParam = "high" };
        var nothing = new ModelInferRequest { ModelName = "two-moons", Inputs = { new InferInputTensor { Name = "x", Datatype = "FP32", Shape = { 1, 2 } } } };
        ModelInferRequest elsewhere = nothing.Clone(), both = nothing.Clone();
        elsewhere.Inputs[0].Contents = new() { Fp64Contents = { 0, 1 } };
        both.Inputs[0].Contents = new() { Fp32Contents = { 0, 1 }, Int64Contents = { 7 } };
        foreach ((ModelInferRequest request, string words) in new[]
        {
            (elsewhere, "whose elements stand in fp32_contents alone"), (both, "whose elements stand in fp32_contents alone"),
            (mixed, "beside raw_input_contents"), (few, "2 tensors for 1 inputs"), (priority, "priority"), (nothing, "has no data"), (new() { ModelName = "two-moons" }, "'x' is missing"),
            (Raw("two-moons", ("x", "FP32", [1, 2], V2Calls.Bytes(0f, float.NaN))), "element 1 (at [0, 1]) is NaN"),
            (Raw("two-moons", ("x", "FP32", [1, 2], V2Calls.Bytes(0f))), "4 bytes of raw data"),
            (Raw("two-moons", ("x", "FP32", [-1, 2], row)), "negative dimension"),
            (Raw("two-moons", ("x", "FP32", [1L << 62, 8], row)), "more elements than 64 bits"),
            (Raw("two-moons", ("x", "BYTES", [1, 2], row)), "'BYTES'"),
            (Raw("two-moons", ("x", "FP32", [11, 2], new byte[88])), "more than 10 rows"),
        })
            Assert.Contains(words, (await RefusedAsync(StatusCode.InvalidArgument, async () => await client.ModelInferAsync(request))).Status.Detail, StringComparison.Ordinal);
        await RefusedAsync(StatusCode.NotFound, async () => await client.ModelInferAsync(Raw("none", ("x", "FP32", [1, 2], row))));
        await RefusedAsync(StatusCode.NotFound, async () => await client.ModelMetadataAsync(new() { Name = "two-moons", Version = "9" }));
        RpcException large = await RefusedAsync(StatusCode.ResourceExhausted, async () => await client.ModelInferAsync(Raw("two-moons", ("x", "FP32", [1, 2], new byte[200_000]))));
        Assert.Contains("raise Limits:BodyBytes", large.Status.Detail, StringComparison.Ordinal);
        await RefusedAsync(StatusCode.Internal, async () => await client.ModelInferAsync(Raw("two-moons", ("x", "FP32", [1, 2], V2Calls.Bytes(666f, 1f)))));
        await client.ModelInferAsync(Raw("two-moons", ("x", "FP32", [1, 2], row)));
        await host.BuffersAreBackAsync();
    }

    [Fact]
    public async Task A_full_queue_is_RESOURCE_EXHAUSTED_and_who_leaves_or_waits_in_vain_costs_no_compute()
    {
        byte[] row = V2Calls.Bytes(0f, 1f);
        hook.Hold();
        Task<ModelInferResponse> computing = client.ModelInferAsync(Raw("two-moons", ("x", "FP32", [1, 2], row))).ResponseAsync;
        await hook.Entered();
        using var leave = new CancellationTokenSource();
        Task gone = client.ModelInferAsync(Raw("two-moons.sample", ("num_samples", "INT64", [1], V2Calls.Bytes(10L))), cancellationToken: leave.Token).ResponseAsync;
        await Eventually.TrueAsync(() => host.QueuedRows == 10, "ten rows wait");

        RpcException full = await RefusedAsync(StatusCode.ResourceExhausted, async () => await client.ModelInferAsync(Raw("two-moons", ("x", "FP32", [1, 2], row))));
        Assert.Matches("try again in [12] s", full.Status.Detail);
        Assert.Contains(full.Trailers.GetValue("grpc-retry-pushback-ms"), (string[])["1000", "2000"]);
        Assert.Equal(TimeSpan.FromMilliseconds(double.Parse(full.Trailers.GetValue("grpc-retry-pushback-ms")!)), full.GetRpcStatus()?.GetDetail<Google.Rpc.RetryInfo>()?.RetryDelay.ToTimeSpan());
        await leave.CancelAsync();
        await RefusedAsync(StatusCode.Cancelled, () => gone);
        await Eventually.TrueAsync(() => host.QueuedRows == 0, "its places are free again");
        ModelInferRequest hurried = Raw("two-moons", ("x", "FP32", [1, 2], row));
        await RefusedAsync(StatusCode.DeadlineExceeded, async () => await client.ModelInferAsync(hurried, deadline: DateTime.UtcNow.AddMilliseconds(100)));
        hurried.Parameters["timeout"] = new() { Int64Param = 20_000 };
        await RefusedAsync(StatusCode.DeadlineExceeded, async () => await client.ModelInferAsync(hurried));
        await Eventually.TrueAsync(() => host.QueuedRows == 0, "nothing waits");
        hook.Release();
        await computing;
        Assert.Equal(["forward 1"], hook.Batches);
    }

    [Fact]
    public async Task Administrators_load_and_unload_and_statistics_count()
    {
        await client.ModelInferAsync(Raw("two-moons", ("x", "FP32", [2, 2], V2Calls.Bytes(0f, 1f, 2f, 3f))));
        ModelStatistics statistics = Assert.Single((await client.ModelStatisticsAsync(new() { Name = "two-moons" })).ModelStats);
        Assert.Equal((2ul, 1ul, 1ul), (statistics.InferenceCount, statistics.ExecutionCount, statistics.InferenceStats.Success.Count));
        int models = 3 * host.Registry.Models.Count();
        Assert.Equal(models, (await client.ModelStatisticsAsync(new())).ModelStats.Count);

        await RefusedAsync(StatusCode.Unauthenticated, async () => await client.RepositoryModelUnloadAsync(new() { ModelName = "two-moons" }));
        var key = new Metadata { { "authorization", "Bearer s3cret" } };
        await client.RepositoryModelUnloadAsync(new() { ModelName = "two-moons" }, key);
        Assert.False((await client.ModelReadyAsync(new() { Name = "two-moons" })).Ready);
        await RefusedAsync(StatusCode.Unavailable, async () => await client.ModelMetadataAsync(new() { Name = "two-moons" }));
        Assert.Contains((await client.RepositoryIndexAsync(new())).Models, model => model is { Name: "two-moons.decode", State: "UNAVAILABLE", Reason: "unloaded" });
        await RefusedAsync(StatusCode.InvalidArgument,
            async () => await client.RepositoryModelLoadAsync(new() { ModelName = "two-moons", Parameters = { { "config", new() { StringParam = "{}" } } } }, key));
        await client.RepositoryModelLoadAsync(new() { ModelName = "two-moons" }, key);
        Assert.Equal(models, (await client.RepositoryIndexAsync(new() { Ready = true })).Models.Count);
    }

    private static ModelInferRequest Raw(string model, (string Name, string Datatype, long[] Shape, byte[] Bytes) input) => new()
    {
        ModelName = model,
        Inputs = { new InferInputTensor { Name = input.Name, Datatype = input.Datatype, Shape = { input.Shape } } },
        RawInputContents = { ByteString.CopyFrom(input.Bytes) },
    };

    private static float[] Floats(ByteString raw) => MemoryMarshal.Cast<byte, float>(raw.Span).ToArray();

    private static async Task<RpcException> RefusedAsync(StatusCode status, Func<Task> call)
    {
        RpcException refusal = await Assert.ThrowsAsync<RpcException>(call);
        Assert.True(refusal.StatusCode == status, $"expected {status}, got {refusal.Status}");
        return refusal;
    }
}
