using FlowService.Batching;
using FlowService.OpenApi;
using FlowService.Wire;

namespace FlowService.Endpoints;

/// <summary>The rows to encode.</summary>
/// <param name="Model">The model's name; may be left out where one model is loaded.</param>
/// <param name="Version">The model's version; the highest one serves by default.</param>
/// <param name="X">The rows: lists of as many numbers as the model has features.</param>
/// <param name="Context">For a conditional model: one row of context for each row, or a single one for all. A class is one integer.</param>
/// <param name="TimeoutMs">Give up after so many milliseconds, with 504.</param>
/// <param name="Priority">interactive (default) or bulk: interactive requests are computed first.</param>
internal sealed record EncodeRequest(string? Model, int? Version, float[][] X, float[][]? Context, int? TimeoutMs, string? Priority);

/// <summary>The latents of the rows. A number that is not finite is null, and its row stands in non_finite.</summary>
/// <param name="Model">The model that answered.</param>
/// <param name="Version">Its version.</param>
/// <param name="Z">The latents.</param>
/// <param name="LogDet">log|det dz/dx| of each row.</param>
/// <param name="NonFinite">The rows with a null, counted from 0; left out where there is none.</param>
internal sealed record EncodeAnswer(string Model, int Version, float?[][] Z, float?[] LogDet, int[]? NonFinite);

/// <summary>The latents to decode.</summary>
/// <param name="Model">The model's name; may be left out where one model is loaded.</param>
/// <param name="Version">The model's version; the highest one serves by default.</param>
/// <param name="Z">The latents: lists of as many numbers as the model has features.</param>
/// <param name="Context">For a conditional model: one row of context for each row, or a single one for all. A class is one integer.</param>
/// <param name="Range">For pictures: the values shown as black and as full brightness; by default what the model says of its data, else 0 and 1.</param>
/// <param name="TimeoutMs">Give up after so many milliseconds, with 504.</param>
/// <param name="Priority">interactive (default) or bulk: interactive requests are computed first.</param>
internal sealed record DecodeRequest(string? Model, int? Version, float[][] Z, float[][]? Context, float[]? Range, int? TimeoutMs, string? Priority);

/// <summary>The rows that the latents stand for. A number that is not finite is null, and its row stands in non_finite.</summary>
/// <param name="Model">The model that answered.</param>
/// <param name="Version">Its version.</param>
/// <param name="X">The rows.</param>
/// <param name="LogDet">log|det dx/dz| of each row.</param>
/// <param name="NonFinite">The rows with a null, counted from 0; left out where there is none.</param>
internal sealed record DecodeAnswer(string Model, int Version, float?[][] X, float?[] LogDet, int[]? NonFinite);

internal static class LatentEndpoints
{
    private static readonly RowOperation
        Encoding = new(Operation.Encode, RequestField.Encode, RequestField.X, new("log_det"), Latents),
        Decoding = new(Operation.Decode, RequestField.Decode, RequestField.Z, new("log_det"), Data);

    public static void MapLatents(this RouteGroupBuilder group)
    {
        group.MapPost("/encode", Encode)
            .WithOperation<EncodeRequest, EncodeAnswer>(Operation.Encode)
            .WithRows(RequestField.Encode)
            .WithTags("Latent space")
            .WithSummary("Rows to latents")
            .WithDescription("z = f(x) of each row, and log|det dz/dx|. `/decode` takes the latents back to the rows.")
            .WithExample("""{ "model": "two-moons", "x": [[0.0, 1.0], [1.0, -0.5]] }""",
                """
                {
                  "model": "two-moons", "version": 1, "z": [[-0.37321672, -0.15775949], [1.0606087, -0.5463956]], "log_det": [1.7294469, 2.2720265]
                }
                """);
        group.MapPost("/decode", Decode)
            .WithOperation<DecodeRequest, DecodeAnswer>(Operation.Decode)
            .WithRows(RequestField.Decode)
            .WithPicture()
            .WithTags("Latent space")
            .WithSummary("Latents to rows")
            .WithDescription("x of each latent z, and log|det dx/dz|. Latents may be interpolated, edited, or drawn by yourself. With `Accept: image/png` an image "
                + "model answers with a picture of them.")
            .WithExample("""{ "model": "two-moons", "z": [[0.0, 0.0], [1.0, -1.0]] }""",
                """
                {
                  "model": "two-moons", "version": 1, "x": [[0.826378, 0.5167665], [0.6776407, -0.49941155]], "log_det": [-1.7055634, -2.2940035]
                }
                """);
    }

    private static Task Encode(HttpContext http, [AsParameters] OperationServices services) => services.AnswerAsync(http, Encoding);

    private static Task Decode(HttpContext http, [AsParameters] OperationServices services) => services.AnswerAsync(http, Decoding);

    private static Answer Latents(WorkItem work, HashSet<string> include, RowPool pool) =>
        RowOperation.To(work).AddLatents("z", work.Results.Values, work.Model).Add("log_det", work.Results.LogDet);

    private static Answer Data(WorkItem work, HashSet<string> include, RowPool pool) =>
        RowOperation.To(work).AddData("x", work.Results.Values, work.Model).Add("log_det", work.Results.LogDet);
}
