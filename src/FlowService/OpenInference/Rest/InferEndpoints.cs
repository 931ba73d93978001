using FlowService.Batching;
using FlowService.OpenApi;
using FlowService.OpenInference.Faces;
using FlowService.OpenInference.Tensors;
using FlowService.Telemetry;

namespace FlowService.OpenInference.Rest;

/// <summary>The tensors that a model shall compute from.</summary>
/// <param name="Id">Echoed in the answer.</param>
/// <param name="Inputs">The inputs by name.</param>
/// <param name="Outputs">The outputs to answer with; left out, all of them.</param>
/// <param name="Parameters">timeout (microseconds), priority (1 interactive, more: bulk), binary_data_output.</param>
internal sealed record InferBody(string? Id, InputBody[] Inputs, OutputRequestBody[]? Outputs, Dictionary<string, object>? Parameters);

/// <summary>An input.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Datatype">FP32, FP64, INT64, ...</param>
/// <param name="Shape">The number of rows, then that of values in a row.</param>
/// <param name="Data">The elements, in rows or flat.</param>
/// <param name="Parameters">binary_data_size, where the elements follow behind the JSON part.</param>
internal sealed record InputBody(string Name, string Datatype, long[] Shape, object[] Data, Dictionary<string, object>? Parameters);

/// <summary>An output that is asked for.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Parameters">binary_data: whether it comes as raw bytes behind the JSON part.</param>
internal sealed record OutputRequestBody(string Name, Dictionary<string, object>? Parameters);

/// <summary>The tensors that the model computed.</summary>
/// <param name="ModelName">The name that was asked for.</param>
/// <param name="ModelVersion">The version that answered.</param>
/// <param name="Id">The request's.</param>
/// <param name="Parameters">seed: of samples, to draw them again.</param>
/// <param name="Outputs">The outputs asked for, in that order.</param>
internal sealed record InferAnswerBody(string ModelName, string ModelVersion, string? Id, Dictionary<string, object>? Parameters, OutputBody[] Outputs);

/// <summary>An output: a number that is not finite is null, and parameters.non_finite counts them.</summary>
internal sealed record OutputBody(string Name, string Datatype, long[] Shape, Dictionary<string, object>? Parameters, float?[] Data);

internal static class InferEndpoints
{
    public static void MapInfer(this RouteGroupBuilder group) => group.MapVersioned(HttpMethods.Post, "/infer", Infer, new OperationMetadata(Operation.LogProb))
        .WithMetadata(new BodyMetadata(typeof(InferBody)))
        .Describe<InferAnswerBody>("modelInfer", "Compute a model's outputs",
            """
            NAME takes `x` and answers `log_prob`, `z` and `log_det`; NAME.sample takes `num_samples`, and if you like `seed`, `temperature`,
            `offset`; NAME.decode takes `z`. Conditional models take `context`. Data come nested or flat, or as raw bytes behind the JSON
            part, whose length is then in the header Inference-Header-Content-Length.
            """, 400, 404, 413, 415, 429, 500, 503, 504)
        .WithExample("""{ "inputs": [{ "name": "x", "datatype": "FP32", "shape": [2, 2], "data": [[0.0, 1.0], [1.0, -0.5]] }], "outputs": [{ "name": "log_prob" }] }""",
            """
            {
              "model_name": "two-moons", "model_version": "1",
              "outputs": [{ "name": "log_prob", "datatype": "FP32", "shape": [2], "data": [-0.38251123, -0.15871441] }]
            }
            """);

    private static async Task Infer(string name, HttpContext http, ModelFaces faces, InferRequestReader reader, TensorInference inference)
    {
        RequestFacts facts = http.Features.Get<RequestFacts>()!;
        facts.Operation = faces.Named(name).Kind.Operation();
        using FaceLease lease = await faces.LeaseAsync(name, FaceEndpoints.VersionOf(http), timeout: 0, http.RequestAborted);
        facts.Model = lease.Face.Model;
        Inference.CheckRoom(lease.Face.Model, rows: 1);
        using InferRequest request = await reader.ReadAsync(http, lease.Face);
        using InferAnswer answer = await inference.RunAsync(request, lease.Face, http, facts, http.RequestAborted);
        await InferAnswerWriter.WriteAsync(http.Response, answer, http.RequestAborted);
    }
}
