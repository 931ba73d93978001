using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using FlowService.Client;
using FlowService.OpenInference.Grpc.Protocol;
using FlowService.Tests.OpenInference;
using FlowService.Tests.Support;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using static FlowService.OpenInference.Grpc.Protocol.ModelInferRequest.Types;

namespace FlowService.Tests.Formats;

/// <summary>Images of another size than the model's own by every way in: the same numbers, and the same words where they are refused.</summary>
[Collection(EnlargingService.Collection)]
public sealed class ImageSizeTests(EnlargingService service)
{
    private const string Model = EnlargingService.Model, Size = "\"size\":[20,36]";

    private static readonly float[] Small = [.. Enumerable.Range(0, 45).Select(i => i * 5f)];

    private readonly HttpClient http = service.Http;

    [Fact]
    public async Task A_size_in_words_is_the_size_that_the_shape_of_an_array_shows()
    {
        float[] expected = (await http.NpyAsync($"/sample?model={Model}&count=2&seed=1", Npy.Of(Small, 1, 1, 5, 9))).Floats;
        JsonElement json = await http.AskAsync("/sample", $$"""{"model":"{{Model}}","count":2,"seed":1,{{Size}},"context":{{Json(Small)}}}""");
        byte[] csv = await http.RowsAsync(
            $"/sample?model={Model}&count=2&seed=1&size=20,36", Encoding.UTF8.GetBytes(string.Join(',', Small) + '\n'), "text/csv; header=absent", Npy.MediaType);
        var client = new FlowClient(http) { Model = Model };
        SampleAnswer drawn = await client.SampleAsync(2, seed: 1, context: [Small], size: (20, 36));

        Assert.Equal(expected, json.Rows("samples").SelectMany(row => row));
        Assert.Equal("2, 1, 20, 36", string.Join(", ", Npy.Read(csv).Shape));
        Assert.Equal(expected, Npy.Read(csv).Floats);
        Assert.Equal(expected, drawn.Samples.SelectMany(row => row).Select(value => value!.Value));

        float[] logProb = (await http.NpyAsync($"/logprob?model={Model}", Npy.Of(expected, 2, 1, 20, 36))).Floats;
        Assert.All(logProb, value => Assert.True(float.IsFinite(value)));
        Assert.Equal(logProb, (await http.NpyAsync($"/logprob?model={Model}&size=20,36", Npy.Of(expected, 2, 720))).Floats);
        Assert.Equal(logProb, (await http.NpyAsync($"/logprob?model={Model}", Npy.Of(expected, 2, 20, 36))).Floats);
        Assert.Equal(logProb, (await http.NpyAsync($"/logprob?model={Model}&layout=nhwc", Npy.Of(expected, 2, 20, 36, 1))).Floats);
        float?[] byClient = (await client.LogProbAsync([expected[..720], expected[720..]], size: (20, 36))).LogProb;
        Assert.Equal(logProb, byClient.Select(value => value!.Value));
    }

    [Fact]
    public async Task Latents_go_back_by_their_own_shape_or_the_size_in_words()
    {
        float[] x = (await http.NpyAsync($"/sample?model={Model}&count=1&seed=1", Npy.Of(Small, 1, 1, 5, 9))).Floats;
        float[] z = (await http.NpyAsync($"/encode?model={Model}", Npy.Of(x, 1, 1, 20, 36))).Floats;
        string context = string.Join(',', Small);

        float[] back = (await http.NpyAsync($"/decode?model={Model}&context={context}", Npy.Of(z, 1, 1, 20, 36))).Floats;
        JsonElement flat = await http.AskAsync("/decode", $$"""{"model":"{{Model}}","z":[{{Json(z)}}],"context":[{{context}}],{{Size}}}""");
        JsonElement path = await http.AskAsync("/interpolate", $$"""{"model":"{{Model}}","z":[{{Json(z)}},{{Json(z)}}],"context":[{{context}}],"steps":2,{{Size}}}""");

        Assert.All(x.Zip(back), pair => Assert.Equal(pair.First, pair.Second, 0.05f + 1e-5f * Math.Abs(pair.First)));
        Assert.Equal(back, flat.Rows("x")[0]);
        Assert.Equal(2, path.Rows("x").Length);
        Assert.All(path.Rows("x"), row => Assert.Equal(720, row.Length));
    }

    [Fact]
    public async Task Tensors_show_their_size_over_REST_and_gRPC()
    {
        float[] x = (await http.NpyAsync($"/sample?model={Model}&count=2&seed=1", Npy.Of(Small, 1, 1, 5, 9))).Floats;
        float[] logProb = (await http.NpyAsync($"/logprob?model={Model}", Npy.Of(x, 2, 1, 20, 36))).Floats;

        JsonElement scored = await InferAsync(Model, "x", [2, 1, 20, 36], x).OkAsync();
        Assert.Equal(logProb, Output(scored, "log_prob"));
        float[] z = Output(scored, "z");
        JsonElement drawn = await http.PostRawAsync($"/v2/models/{Model}.sample/infer",
            $$"""{"inputs":[{"name":"num_samples","datatype":"INT64","shape":[1],"data":[2]},{"name":"seed","datatype":"INT64","shape":[1],"data":[1]},{"name":"context","datatype":"FP32","shape":[1,1,5,9],"data":{{Json(Small)}}}]}""").OkAsync();
        Assert.Equal(x, Output(drawn, "samples"));
        JsonElement said = await http.PostRawAsync($"/v2/models/{Model}.sample/infer",
            $$"""{"inputs":[{"name":"num_samples","datatype":"INT64","shape":[1],"data":[2]},{"name":"seed","datatype":"INT64","shape":[1],"data":[1]},{"name":"size","datatype":"INT64","shape":[2],"data":[20,36]},{"name":"context","datatype":"FP32","shape":[1,45],"data":{{Json(Small)}}}]}""").OkAsync();
        Assert.Equal(x, Output(said, "samples"));

        using GrpcChannel channel = GrpcChannel.ForAddress(service.Host.GrpcAddress);
        var client = new GRPCInferenceService.GRPCInferenceServiceClient(channel);
        ModelInferResponse byGrpc = await client.ModelInferAsync(Tensor(Model, "x", [2, 1, 20, 36], x));
        Assert.Equal(logProb, Floats(byGrpc.RawOutputContents[0]));
        ModelInferRequest latents = Tensor($"{Model}.decode", "z", [2, 1, 20, 36], z);
        latents.Inputs.Add(new InferInputTensor { Name = "context", Datatype = "FP32", Shape = { 1, 1, 5, 9 } });
        latents.RawInputContents.Add(ByteString.CopyFrom(V2Calls.Bytes(Small)));
        ModelInferResponse back = await client.ModelInferAsync(latents);
        Assert.Equal([2, 720], back.Outputs[0].Shape);
        Assert.All(x.Zip(Floats(back.RawOutputContents[0])), pair => Assert.Equal(pair.First, pair.Second, 0.05f + 1e-5f * Math.Abs(pair.First)));
    }

    [Fact]
    public async Task What_a_size_costs_to_compile_is_bound_by_the_timeout_and_its_queue_is_measured()
    {
        using MetricCollector<long> depth = service.Host.Metric<long>("flowservice.queue.depth");
        string Asked(string timeout) => $$"""{"model":"{{Model}}","count":1,{{timeout}}"size":[20,44],"context":{{Json(new float[55])}}}""";
        service.MayBuild.Reset();

        try
        {
            JsonElement late = await http.RefusedAsync("/sample", Asked("\"timeout_ms\":20,"), HttpStatusCode.GatewayTimeout);
            string alsoLate = await http.PostRawAsync($"/v2/models/{Model}.sample/infer",
                $$"""{"parameters":{"timeout":20000},"inputs":[{"name":"num_samples","datatype":"INT64","shape":[1],"data":[1]},{"name":"context","datatype":"FP32","shape":[1,1,5,11],"data":{{Json(new float[55])}}}]}""")
                .ErrorAsync(HttpStatusCode.GatewayTimeout);
            Assert.Equal("deadline-passed", late.Type());
            Assert.Equal(late.Detail(), alsoLate);
        }
        finally
        {
            service.MayBuild.Set();
        }
        await http.AskAsync("/sample", Asked(""));
        depth.RecordObservableInstruments();
        Assert.Contains(depth.GetMeasurementSnapshot(), each => each.Tags.TryGetValue("size", out object? size) && size is "20x44");
        Assert.Contains(depth.GetMeasurementSnapshot(), each => !each.Tags.ContainsKey("size"));
    }

    [Fact]
    public async Task A_size_that_is_not_taken_is_refused_in_the_same_words_everywhere()
    {
        const string words = $"model '{Model}': images of 21 x 36 (height x width) are not taken; sides are multiples of 4 and 4, with at most 12544 pixels: the nearest size is 20 x 36";
        float[] x = new float[21 * 36];
        string rows = $"[{Json(x)}]";
        const HttpStatusCode status = HttpStatusCode.UnprocessableEntity;

        Assert.Equal(words, (await http.RefusedAsync("/logprob", $$"""{"model":"{{Model}}","x":{{rows}},"size":[21,36]}""", status)).Detail());
        Assert.Equal(words, (await http.RefusedAsync("/encode", $$"""{"model":"{{Model}}","x":{{rows}},"size":[21,36]}""", status)).Detail());
        Assert.Equal(words, (await http.RefusedAsync($"/decode?model={Model}&size=21,36", Npy.Of(x, 1, 756), Npy.MediaType, status)).Detail());
        Assert.Equal(words, (await http.RefusedAsync($"/logprob?model={Model}", Npy.Of(x, 1, 1, 21, 36), Npy.MediaType, status)).Detail());
        Assert.Equal(words, await InferAsync(Model, "x", [1, 1, 21, 36], x).ErrorAsync());
        using GrpcChannel channel = GrpcChannel.ForAddress(service.Host.GrpcAddress);
        RpcException refusal = await Assert.ThrowsAsync<RpcException>(
            async () => await new GRPCInferenceService.GRPCInferenceServiceClient(channel).ModelInferAsync(Tensor(Model, "x", [1, 1, 21, 36], x)));
        Assert.Equal((StatusCode.InvalidArgument, words), (refusal.StatusCode, refusal.Status.Detail));
    }

    [Theory]
    [InlineData("[20]", "two integers above 0", 422)]
    [InlineData("[20,36.5]", "two integers above 0", 422)]
    [InlineData("[0,36]", "two integers above 0", 422)]
    [InlineData("[16,36]", "size says images of 16 x 36, and by their shape the rows are for images of 20 x 36", 422)]
    public async Task A_size_that_is_none_or_another_than_the_array_shows_is_refused(string size, string words, int status)
    {
        JsonElement problem = await http.RefusedAsync($"/logprob?model={Model}&size={size.Trim('[', ']')}", Npy.Of(new float[720], 1, 1, 20, 36), Npy.MediaType, (HttpStatusCode)status);
        Assert.Contains(words, problem.Detail(), StringComparison.Ordinal);
        Assert.Equal("size", problem.GetProperty("field").GetString());
    }

    private static string Json(float[] values) => JsonSerializer.Serialize(values);

    private Task<HttpResponseMessage> InferAsync(string model, string name, long[] shape, float[] values) => http.PostRawAsync(
        $"/v2/models/{model}/infer", $$"""{"inputs":[{"name":"{{name}}","datatype":"FP32","shape":{{JsonSerializer.Serialize(shape)}},"data":{{Json(values)}}}]}""");

    private static ModelInferRequest Tensor(string model, string name, long[] shape, float[] values) => new()
    {
        ModelName = model,
        Inputs = { new InferInputTensor { Name = name, Datatype = "FP32", Shape = { shape } } },
        RawInputContents = { ByteString.CopyFrom(V2Calls.Bytes(values)) },
    };

    private static float[] Floats(ByteString raw) => MemoryMarshal.Cast<byte, float>(raw.Span).ToArray();

    private static float[] Output(JsonElement answer, string name) =>
        answer.GetProperty("outputs").EnumerateArray().Single(output => output.GetProperty("name").GetString() == name).GetProperty("data").Deserialize<float[]>()!;
}
