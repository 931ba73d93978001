using FlowRows.Answers;
using FlowRows.Buffers;
using FlowRows.Json;
using FlowRows.Tables;
using FlowService.Batching;
using FlowService.Compressing;
using FlowService.Errors;
using FlowService.Limits;
using FlowService.Models;
using FlowService.OpenApi;
using FlowService.Requests;
using Microsoft.Extensions.Options;

namespace FlowService.Endpoints;

/// <summary>The rows along the path. A number that is not finite is null, and its row stands in non_finite.</summary>
/// <param name="Model">The model that answered.</param>
/// <param name="Version">Its version.</param>
/// <param name="X">The rows: the first and the last are the ends.</param>
/// <param name="Z">The latents.</param>
/// <param name="LogProb">log p(x) of each row in nats.</param>
/// <param name="LogDet">With include log_det: log|det dx/dz|.</param>
/// <param name="NonFinite">The rows with a null, counted from 0; left out where there is none.</param>
internal sealed record InterpolateAnswer(string Model, int Version, float?[][] X, float?[][] Z, float?[] LogProb, float?[]? LogDet, int[]? NonFinite);

internal static class InterpolateEndpoints
{
    private const int MostSteps = 1000;
    private const string LogDet = "log_det";

    public static void MapInterpolate(this RouteGroupBuilder group) => group.MapPost("/interpolate", Interpolate)
        .WithOperation<InterpolateAnswer>(Operation.Interpolate, RequestFields.Interpolate, [LogDet], RequestFields.Steps)
        .WithPicture()
        .WithTags("Latent space")
        .WithSummary("From one row to another, through the latent space")
        .WithDescription("""
            Takes two data rows `x`, or two latents `z`, and answers `steps` rows on the way from the first to the second, along an arc
            in the latent space: every row on it is about as typical as the ends. With `Accept: image/png` an image model answers with
            one line of pictures.
            """)
        .WithExample("""{ "model": "two-moons", "x": [[0.0, 1.0], [1.0, -0.5]], "steps": 3 }""",
            """
            {
              "model": "two-moons", "version": 1, "x": [[5.9604645E-07, 0.99999964], [1.7908447, 0.5468061], [1.0000002, -0.49999985]],
              "z": [[-0.5862917, 1.5098602], [1.5068352, 0.5948169], [0.6033266, -1.5037622]],
              "log_prob": [-0.38251102, -4.7669516, -0.1587143]
            }
            """);

    private static async Task Interpolate(HttpContext http, OperationServices services, IOptions<LimitsOptions> limits)
    {
        using RowRequest request = await services.Reader.ReadAsync(http, RequestFields.Interpolate);
        ServedModel model = await OperationServices.AtSizeAsync(http, request, await services.FindAsync(http, request), areContexts: false);
        bool withLogDet = RowOperation.Asked(request.Include, [LogDet], model.Name).Contains(LogDet);
        int steps = Steps(request, model, limits.Value);
        using WorkRows ends = Ends(request, model);
        PictureAnswer? picture = PictureAnswer.Asked(http, request, model, steps, steps);
        using RowBuffer<float> latents = await PathAsync(http, services, model, request, ends, steps);
        using var path = new WorkRows { Count = steps, Values = latents, Context = ends.Context, RowsPerContext = steps };
        using WorkItem work = await services.RunAsync(http, request, new WorkItem(model, Operation.Decode, path, services.Pool) { Priority = request.Priority });
        if (picture is not null)
        {
            await picture.WriteAsync(http.Response, work, http.RequestAborted);
            return;
        }
        using Answer<float> answer = new Answer<float>(model.Name, model.Version, steps)
            .AddData(RowNames.X, work.Results.Values, model.Spec)
            .AddLatents(RowNames.Z, latents, model.Spec)
            .Add("log_prob", work.Results.LogProb);
        if (withLogDet)
            answer.Add(LogDet, work.Results.LogDet);
        http.Response.ContentType = MediaTypes.Json;
        if (AnswerSize.Matters(http))
            http.Features.Set(AnswerSize.OfText(answer, steps));
        var writer = new JsonAnswerWriter<float>(http.Response.BodyWriter);
        await writer.WriteAsync(answer, http.RequestAborted);
        await writer.CompleteAsync(http.RequestAborted);
    }

    private static async Task<RowBuffer<float>> PathAsync(
        HttpContext http, OperationServices services, ServedModel model, RowRequest request, WorkRows ends, int steps)
    {
        if (request.Rows!.Name == RowNames.Z)
            return LatentPath.Between(ends.Values!.Span, steps, services.Pool);
        using WorkItem encoded = await services.RunAsync(http, request, new WorkItem(model, Operation.Encode, ends, services.Pool) { Priority = request.Priority });
        return LatentPath.Between(encoded.Results.Values.Span, steps, services.Pool);
    }

    private static int Steps(RowRequest request, ServedModel model, LimitsOptions limits)
    {
        int steps = request.Steps ?? throw RowRequest.Missing(RequestFields.Steps, "the number of rows of the answer");
        int most = Math.Min(MostSteps, limits.ValuesPerRequest / model.Width);
        return steps >= 2 && steps <= most ? steps : throw Invalid(RequestFields.Steps, $"steps must lie in 2..{most}; it is {steps}");
    }

    private static WorkRows Ends(RowRequest request, ServedModel model)
    {
        RowTable<float> ends = request.Rows ?? throw RowRequest.Missing(RequestFields.X, "two data rows; or else send two latents as z");
        RequestField field = ends.Name == RowNames.Z ? RequestFields.Z : RequestFields.X;
        ends.CheckWidth(model.Width, model.Name);
        if (ends.Rows != 2)
            throw Invalid(field, $"{field} must hold two rows, the two ends; it holds {ends.Rows}");
        ContextRows<float> context = ContextRows<float>.Of(request.Context, model.Spec, model.Name);
        if (context.Count > 1)
            throw Invalid(RequestFields.Context, $"context must be one row, that of the whole path; it has {context.Count} rows");
        return new() { Count = 2, Values = ends.Values, Context = context.Values, RowsPerContext = 2 };
    }

    private static RequestException Invalid(RequestField field, string detail) =>
        new(ProblemKind.InvalidArgument, detail) { Field = field.Name };
}
