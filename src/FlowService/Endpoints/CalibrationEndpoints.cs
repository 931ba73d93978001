using FlowCore.Calibration;
using FlowRows.Scoring;
using FlowService.Batching;
using FlowService.Errors;
using FlowService.Explorer;
using FlowService.Models;
using FlowService.OpenApi;
using FlowService.Requests;
using Microsoft.Extensions.Options;

namespace FlowService.Endpoints;

/// <summary>Some ordinary rows that the model was not trained on.</summary>
/// <param name="Model">The model.</param>
/// <param name="Version">Its version.</param>
/// <param name="Rows">The rows, flat.</param>
/// <param name="Context">What each row is conditioned on; left out where the model is not conditional.</param>
internal sealed record ReferenceAnswer(string Model, int Version, float[][] Rows, float[][]? Context);

/// <summary>What p-values rest on.</summary>
/// <param name="Model">The model.</param>
/// <param name="Version">Its version.</param>
/// <param name="Rows">The number of calibration rows.</param>
/// <param name="PMin">The least p-value that there can be.</param>
/// <param name="Usual">The score by which anomalies are told where a request names none.</param>
/// <param name="Scores">The calibration rows' scores of each kind, ascending: all of them, or 2001 of them that are evenly spaced by rank, least and greatest among them.</param>
/// <param name="Mean">The mean of each column.</param>
/// <param name="Deviation">The standard deviation of each column.</param>
internal sealed record CalibrationAnswer(
    string Model, int Version, int Rows, double PMin, string Usual, IReadOnlyDictionary<string, double[]> Scores, double[] Mean, double[] Deviation);

internal static class CalibrationEndpoints
{
    private const int MostScores = 2001;

    public static void MapCalibration(this RouteGroupBuilder group)
    {
        group.MapGet("/models/{name}/reference", Reference)
            .WithName("referenceRows")
            .WithTags("Models")
            .WithSummary("Some ordinary rows")
            .WithDescription("At most 1000 of the rows that the model was calibrated with, as they are: to compare samples and other rows with them. With "
                + "`Accept: application/x-npy` a NumPy array [rows, features], the context behind the features. The model must be calibrated; 403 where `Explorer:ReferenceRows` is false.")
            .WithParameterExample("name", "two-moons")
            .Produces<ReferenceAnswer>()
            .WithErrors(400, 401, 403, 404, 406, 422, 503);
        group.MapGet("/models/{name}/calibration", Calibration)
            .WithName("calibration")
            .WithTags("Models")
            .WithSummary("The scores of ordinary rows")
            .WithDescription("The scores that p-values are computed from, and the mean and deviation of each column. The model must be calibrated.")
            .WithParameterExample("name", "two-moons")
            .Produces<CalibrationAnswer>()
            .WithErrors(400, 401, 403, 404, 422, 503);
    }

    private static async Task Reference(
        string name, int? version, HttpContext http, ModelLifecycle models, IOptionsMonitor<BatchingOptions> batching, IOptions<ExplorerOptions> explorer)
    {
        if (!explorer.Value.ReferenceRows)
            throw new RequestException(ProblemKind.Forbidden, "this service keeps its models' reference rows to itself (Explorer:ReferenceRows)");
        using ModelLease lease = await models.LeaseAsync(name, version, Deadline.Of(null, batching.Get(name)), http.RequestAborted);
        ServedModel model = lease.Model;
        ReferenceRows rows = Of(model).Reference;
        int context = model.Spec.ContextWidth;
        if (MediaTypes.Choose(http.Request, [MediaTypes.Json, MediaTypes.Npy]) == MediaTypes.Json)
        {
            var answer = new ReferenceAnswer(model.Name, model.Version, [.. rows.Values.Chunk(rows.Width)], context > 0 ? [.. rows.Context.Chunk(context)] : null);
            await TypedResults.Ok(answer).ExecuteAsync(http);
            return;
        }
        var all = new float[rows.Count * (rows.Width + context)];
        for (int row = 0; row < rows.Count; row++)
        {
            Span<float> to = all.AsSpan(row * (rows.Width + context));
            rows.Values.AsSpan(row * rows.Width, rows.Width).CopyTo(to);
            rows.Context.AsSpan(row * context, context).CopyTo(to[rows.Width..]);
        }
        await NpyAnswer.WriteAsync(http, all, [rows.Count, rows.Width + context]);
    }

    private static async Task<IResult> Calibration(string name, int? version, HttpContext http, ModelLifecycle models, IOptionsMonitor<BatchingOptions> batching)
    {
        using ModelLease lease = await models.LeaseAsync(name, version, Deadline.Of(null, batching.Get(name)), http.RequestAborted);
        ServedModel model = lease.Model;
        CalibrationSet set = Of(model);
        var scores = set.Kinds.ToDictionary(Word, kind => Spaced(set.Of(kind).Scores()));
        return TypedResults.Ok(new CalibrationAnswer(
            model.Name, model.Version, set.Count, set.LogProb.LeastPValue, Word(set.Usual), scores, set.Columns.Mean, set.Columns.Deviation));
    }

    private static CalibrationSet Of(ServedModel model) => model.Calibration
        ?? throw new RequestException(ProblemKind.NotCalibrated, $"model '{model.Name}' has no calibration, and so no rows to compare with; make one with flow calibrate");

    private static string Word(ScoreKind kind) => ScoreRequest.Names[(int)kind];

    private static double[] Spaced(double[] scores) => scores.Length <= MostScores ? scores
        : [.. Enumerable.Range(0, MostScores).Select(i => scores[(int)((long)i * (scores.Length - 1) / (MostScores - 1))])];
}
