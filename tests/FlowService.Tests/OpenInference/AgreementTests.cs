using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using FlowService.OpenInference.Grpc.Protocol;
using FlowService.Tests.Support;
using Grpc.Core;
using Grpc.Net.Client;
using static FlowService.OpenInference.Grpc.Protocol.ModelInferRequest.Types;

namespace FlowService.Tests.OpenInference;

/// <summary>One table of requests, each sent over gRPC and over REST: the same words where it is refused, the same numbers where it is not.</summary>
public sealed class AgreementTests(SharedService service) : IDisposable
{
    private static readonly Dictionary<string, Action<ModelInferRequest>> Table = new()
    {
        ["good"] = _ => { },
        ["good, one output"] = request => request.Outputs.Add(new InferRequestedOutputTensor { Name = "z" }),
        ["no such model"] = request => request.ModelName = "none",
        ["no such version"] = request => request.ModelVersion = "9",
        ["no version"] = request => request.ModelVersion = "latest",
        ["shared memory of an input"] = request => request.Inputs[0].Parameters["shared_memory_region"] = Text("r"),
        ["shared memory of an output"] = request => Output(request).Parameters["shared_memory_region"] = Text("r"),
        ["classification"] = request => Output(request).Parameters["classification"] = Integer(3),
        ["classification of none"] = request => Output(request).Parameters["classification"] = Integer(0),
        ["classification in words"] = request => Output(request).Parameters["classification"] = Text("3"),
        ["a sequence"] = request => request.Parameters["sequence_id"] = Integer(7),
        ["a named sequence"] = request => request.Parameters["sequence_id"] = Text("seven"),
        ["no sequence"] = request => request.Parameters["sequence_id"] = Integer(0),
        ["a sequence begins"] = request => request.Parameters["sequence_start"] = new() { BoolParam = true },
        ["a sequence ends"] = request => request.Parameters["sequence_end"] = new() { BoolParam = true },
        ["no sequence begins"] = request => request.Parameters["sequence_start"] = new() { BoolParam = false },
        ["a timeout in words"] = request => request.Parameters["timeout"] = Text("soon"),
        ["a broken timeout"] = request => request.Parameters["timeout"] = new() { DoubleParam = 1.5 },
        ["a timeout that is a flag"] = request => request.Parameters["timeout"] = new() { BoolParam = true },
        ["a timeout below zero"] = request => request.Parameters["timeout"] = Integer(-1),
        ["the longest timeout there is"] = request => request.Parameters["timeout"] = new() { Uint64Param = ulong.MaxValue },
        ["a priority in words"] = request => request.Parameters["priority"] = Text("high"),
        ["a priority below zero"] = request => request.Parameters["priority"] = Integer(-1),
        ["a bulk request"] = request => request.Parameters["priority"] = new() { Uint64Param = ulong.MaxValue },
        ["a parameter of others"] = request => request.Parameters["traceparent"] = Text("00-1"),
        ["an input of another name"] = request => request.Inputs[0].Name = "y",
        ["an input without a name"] = request => request.Inputs[0].Name = "",
        ["an input without a datatype"] = request => request.Inputs[0].Datatype = "",
        ["an input of too many dimensions"] = request => Shape(request, [.. Enumerable.Repeat(1L, 65)]),
        ["too many inputs"] = request => request.Inputs.Add(Enumerable.Repeat(request.Inputs[0], 64)),
        ["too many outputs"] = request => request.Outputs.Add(Enumerable.Range(0, 65).Select(i => new InferRequestedOutputTensor { Name = $"z{i}" })),
        ["an input twice"] = request => request.Inputs.Add(request.Inputs[0].Clone()),
        ["no input"] = request => request.Inputs.Clear(),
        ["no data"] = request => request.Inputs[0].Contents = null,
        ["data in another list"] = request => request.Inputs[0].Contents = new(),
        ["another datatype"] = request => request.Inputs[0].Datatype = "BYTES",
        ["a datatype that is sent raw"] = request => request.Inputs[0].Datatype = "FP16",
        ["an integer"] = request => (request.Inputs[0].Datatype, request.Inputs[0].Contents) = ("INT64", new() { Int64Contents = { 0, 1 } }),
        ["another shape"] = request => Shape(request, 1, 3),
        ["a negative shape"] = request => Shape(request, -1, 2),
        ["a shape beyond 64 bits"] = request => Shape(request, 1L << 62, 8),
        ["no rows"] = request =>
        {
            Shape(request, 0, 2);
            request.Inputs[0].Contents.Fp32Contents.Clear();
        },
        ["NaN"] = request => request.Inputs[0].Contents.Fp32Contents[1] = float.NaN,
        ["infinity"] = request => request.Inputs[0].Contents.Fp32Contents[0] = float.NegativeInfinity,
        ["a number beyond floats"] = request => (request.Inputs[0].Datatype, request.Inputs[0].Contents) = ("FP64", new() { Fp64Contents = { 0, 1e39 } }),
        ["an output of another name"] = request => Output(request).Name = "log_q",
        ["an output without a name"] = request => Output(request).Name = "",
        ["an output twice"] = request =>
        {
            Output(request);
            Output(request);
        },
    };

    private readonly GrpcChannel channel = GrpcChannel.ForAddress(service.Host.GrpcAddress);

    public static TheoryData<string> Requests => [.. Table.Keys];

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task Both_protocols_say_the_same(string name)
    {
        var request = new ModelInferRequest
        {
            ModelName = "two-moons",
            Inputs = { new InferInputTensor { Name = "x", Datatype = "FP32", Shape = { 1, 2 }, Contents = new() { Fp32Contents = { 0.5f, -1 } } } },
        };
        Table[name](request);

        (string status, string answer) = await GrpcAsync(request);

        Assert.Equal((status, answer), await RestAsync(request));
        Assert.Equal(name.StartsWith("good", StringComparison.Ordinal) || Passed.Contains(name), status == "OK");
    }

    public void Dispose() => channel.Dispose();

    private static string[] Passed => ["classification of none", "no sequence", "no sequence begins", "a bulk request", "a parameter of others"];

    private async Task<(string Status, string Answer)> GrpcAsync(ModelInferRequest request)
    {
        try
        {
            ModelInferResponse answer = await new GRPCInferenceService.GRPCInferenceServiceClient(channel).ModelInferAsync(request);
            return ("OK", string.Join(' ', answer.Outputs.Select(output => $"{output.Name} {string.Join(',', output.Contents.Fp32Contents)}")));
        }
        catch (RpcException e)
        {
            return (e.StatusCode.ToString(), e.Status.Detail);
        }
    }

    private async Task<(string Status, string Answer)> RestAsync(ModelInferRequest request)
    {
        string version = request.ModelVersion.Length > 0 ? $"/versions/{request.ModelVersion}" : "";
        using HttpResponseMessage response = await service.Http.PostRawAsync($"/v2/models/{request.ModelName}{version}/infer", Json(request));
        JsonElement answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
        return response.StatusCode switch
        {
            HttpStatusCode.OK => ("OK", string.Join(' ', answer.GetProperty("outputs").EnumerateArray().Select(
                output => $"{output.GetProperty("name")} {string.Join(',', output.Floats("data"))}"))),
            HttpStatusCode.BadRequest => ("InvalidArgument", answer.GetProperty("error").GetString()!),
            HttpStatusCode.NotFound => ("NotFound", answer.GetProperty("error").GetString()!),
            var other => ($"{other}", answer.GetProperty("error").GetString()!),
        };
    }

    // Written by hand: JSON has no word for NaN. What is empty is written, as some clients do.
    private static string Json(ModelInferRequest request)
    {
        string inputs = string.Join(',', request.Inputs.Select(input => Object(
            Member("name", input.Name), Member("datatype", input.Datatype), $"\"shape\":[{string.Join(',', input.Shape)}]", Parameters(input.Parameters), Data(input.Contents))));
        string outputs = string.Join(',', request.Outputs.Select(output => Object(Member("name", output.Name), Parameters(output.Parameters))));
        return Object(Parameters(request.Parameters), $"\"inputs\":[{inputs}]", $"\"outputs\":[{outputs}]");
    }

    private static string Object(params string[] members) => $"{{{string.Join(',', members.Where(member => member.Length > 0))}}}";

    private static string Member(string name, string value) => $"\"{name}\":\"{value}\"";

    private static string Data(InferTensorContents? contents) => contents is null ? "" : $"\"data\":[{string.Join(',',
        contents.Fp32Contents.Select(value => Number(value)).Concat(contents.Fp64Contents.Select(Number)).Concat(contents.Int64Contents.Select(value => $"{value}")))}]";

    private static string Number(double value) => double.IsInfinity(value) ? value > 0 ? "Infinity" : "-Infinity" : FormattableString.Invariant($"{value}");

    private static string Parameters(IEnumerable<KeyValuePair<string, InferParameter>> parameters)
    {
        var members = new JsonObject();
        foreach ((string name, InferParameter value) in parameters)
            members[name] = value.ParameterChoiceCase switch
            {
                InferParameter.ParameterChoiceOneofCase.StringParam => value.StringParam,
                InferParameter.ParameterChoiceOneofCase.BoolParam => value.BoolParam,
                InferParameter.ParameterChoiceOneofCase.DoubleParam => value.DoubleParam,
                InferParameter.ParameterChoiceOneofCase.Uint64Param => value.Uint64Param,
                _ => value.Int64Param,
            };
        return members.Count > 0 ? $"\"parameters\":{members.ToJsonString()}" : "";
    }

    private static InferRequestedOutputTensor Output(ModelInferRequest request)
    {
        var output = new InferRequestedOutputTensor { Name = "z" };
        request.Outputs.Add(output);
        return output;
    }

    private static void Shape(ModelInferRequest request, params long[] shape)
    {
        request.Inputs[0].Shape.Clear();
        request.Inputs[0].Shape.Add(shape);
    }

    private static InferParameter Text(string text) => new() { StringParam = text };

    private static InferParameter Integer(long integer) => new() { Int64Param = integer };
}
