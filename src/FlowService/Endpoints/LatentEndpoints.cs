using FlowRows.Answers;
using FlowService.Batching;
using FlowService.OpenApi;
using FlowService.Requests;

namespace FlowService.Endpoints;

/// <summary>The latents of the rows. A number that is not finite is null, and its row stands in non_finite.</summary>
/// <param name="Model">The model that answered.</param>
/// <param name="Version">Its version.</param>
/// <param name="Z">The latents.</param>
/// <param name="LogDet">log|det dz/dx| of each row.</param>
/// <param name="LogProb">With include log_prob: log p(x) of each row in nats.</param>
/// <param name="NonFinite">The rows with a null, counted from 0; left out where there is none.</param>
/// <param name="Row">With on_error skip: the number of each row in the body.</param>
/// <param name="Error">With on_error null: why a row could not be read, null for the others.</param>
internal sealed record EncodeAnswer(string Model, int Version, float?[][] Z, float?[] LogDet, float?[]? LogProb, int[]? NonFinite, long[]? Row, string?[]? Error);

/// <summary>The rows that the latents stand for. A number that is not finite is null, and its row stands in non_finite.</summary>
/// <param name="Model">The model that answered.</param>
/// <param name="Version">Its version.</param>
/// <param name="X">The rows.</param>
/// <param name="LogDet">log|det dx/dz| of each row.</param>
/// <param name="LogProb">With include log_prob: log p(x) of each row in nats.</param>
/// <param name="NonFinite">The rows with a null, counted from 0; left out where there is none.</param>
/// <param name="Row">With on_error skip: the number of each row in the body.</param>
/// <param name="Error">With on_error null: why a row could not be read, null for the others.</param>
internal sealed record DecodeAnswer(string Model, int Version, float?[][] X, float?[] LogDet, float?[]? LogProb, int[]? NonFinite, long[]? Row, string?[]? Error);

internal static class LatentEndpoints
{
    private static readonly ServedOperation
        Encoding = new(Operation.Encode, RequestFields.Encode, RowOperation.Encode),
        Decoding = new(Operation.Decode, RequestFields.Decode, RowOperation.Decode);

    public static void MapLatents(this RouteGroupBuilder group)
    {
        group.MapPost("/encode", Encode)
            .WithOperation<EncodeAnswer>(Encoding, RequestFields.X)
            .WithTags("Latent space")
            .WithSummary("Rows to latents")
            .WithDescription("z = f(x) of each row, and log|det dz/dx|. `/decode` takes the latents back to the rows.")
            .WithExample("""{ "model": "two-moons", "x": [[0.0, 1.0], [1.0, -0.5]] }""",
                """
                {
                  "model": "two-moons", "version": 1, "z": [[-0.5862917, 1.5098602], [0.6033266, -1.5037622]], "log_det": [0.9670711, 0.95860064]
                }
                """);
        group.MapPost("/decode", Decode)
            .WithOperation<DecodeAnswer>(Decoding, RequestFields.Z)
            .WithPicture()
            .WithTags("Latent space")
            .WithSummary("Latents to rows")
            .WithDescription("x of each latent z, and log|det dx/dz|. You may interpolate or edit latents, or draw them yourself. With `Accept: image/png` an image "
                + "model answers with a picture of them.")
            .WithExample("""{ "model": "two-moons", "z": [[0.0, 0.0], [1.0, -1.0]] }""",
                """
                {
                  "model": "two-moons", "version": 1, "x": [[0.49038684, 0.24782498], [1.347991, -0.27691558]], "log_det": [-0.67692167, -0.93336475]
                }
                """);
    }

    private static Task Encode(HttpContext http, OperationServices services) => RequestRun.AnswerAsync(services, http, Encoding);

    private static Task Decode(HttpContext http, OperationServices services) => RequestRun.AnswerAsync(services, http, Decoding);
}
