using FlowCore.Drift;
using FlowRows;
using FlowRows.Tables;
using FlowService.Drift;
using FlowService.Models;
using FlowService.OpenApi;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FlowService.Endpoints;

/// <summary>How the last rows that a model scored differ from its calibration rows.</summary>
/// <param name="Name">The model.</param>
/// <param name="Version">Its version.</param>
/// <param name="Rows">The last rows, by which this is judged. Fewer than 50 are not.</param>
/// <param name="Seen">The rows that were looked at since the version was loaded: up to 16 of a request.</param>
/// <param name="Changed">The columns whose index is above its limit, and log_prob where the score's is, and martingale.</param>
/// <param name="Columns">Each column.</param>
/// <param name="Score">The log density.</param>
/// <param name="OutOfRange">The share of rows with a value outside of those that the model was trained with; left out where they are not known.</param>
/// <param name="PValues">The share of rows whose p-value lies in each tenth, from 0 to 1.</param>
/// <param name="Martingale">The bet against no change, row by row.</param>
/// <param name="Typicality">Whether the rows together are as likely as ordinary ones; left out for fewer than two rows.</param>
internal sealed record DriftAnswer(
    string Name, int Version, int Rows, long Seen, string[] Changed, FeatureDrift[] Columns, FeatureDrift Score, double? OutOfRange, double[] PValues, MartingaleFacts Martingale, Typicality? Typicality);

/// <summary>The drift of one column.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Psi">Its population stability index.</param>
/// <param name="Limit">What the index of an unchanged column hardly ever exceeds.</param>
/// <param name="Outside">The share of rows outside of all calibration rows' values.</param>
internal sealed record FeatureDrift(string Name, double Psi, double Limit, double Outside);

/// <summary>What a bet against no change has come to.</summary>
/// <param name="Log10Capital">Decimal logarithm of the capital, which began with 1.</param>
/// <param name="Log10Evidence">Decimal logarithm of what bets begun at any row would be worth together: 6 is the alarm.</param>
internal sealed record MartingaleFacts(double Log10Capital, double Log10Evidence);

internal static class DriftEndpoints
{
    public static void MapDrift(this RouteGroupBuilder group) => group.MapGet("/models/{name}/drift", Get)
        .WithName("getDrift")
        .WithTags("Models")
        .WithSummary("Is the world still that of the calibration?")
        .WithDescription("""
            How the last rows that a calibrated model scored differ from its calibration rows: the population stability index of each column and of the log
            density with the limits that unchanged rows hardly ever exceed, the histogram of p-values, and a conformal test martingale. Of the version that
            serves, or of `?version=`.
            """)
        .WithParameterExample("name", "two-moons")
        .WithErrors(400, 404, 422, 503);

    private static Ok<DriftAnswer> Get(string name, int? version, ModelRegistry registry)
    {
        ModelVersion found = registry.Get(name, version);
        ServedModel model = found.Served ?? throw ModelLifecycle.Refusal(found);
        DriftMonitor drift = model.Drift ?? throw new RowFault(RowFaultKind.NotCalibrated, model.Calibration is null
            ? $"drift is told by calibration rows, and model '{name}' has none: run flow calibrate --model FOLDER --input ROWS with ordinary rows that it was not trained on"
            : "drift is not looked for: Drift:WindowRows is 0");
        var (state, pValues, typicality) = drift.Whole();
        string[] names = RowNames.Data(model.Spec);
        FeatureDrift[] columns = [.. state.Columns.Select((column, at) => new FeatureDrift(names[at], column.Psi, column.Limit, column.Outside))];
        return TypedResults.Ok(new DriftAnswer(
            model.Name, model.Version, state.Rows, state.Seen,
            [
                .. columns.Where((_, at) => state.Columns[at].IsAlarm).Select(column => column.Name),
                .. state.Score.IsAlarm ? ["log_prob"] : Array.Empty<string>(), .. state.MartingaleAlarm ? ["martingale"] : Array.Empty<string>(),
            ],
            columns, new("log_prob", state.Score.Psi, state.Score.Limit, state.Score.Outside), state.OutOfRange, pValues, new(state.Log10Capital, state.Log10Evidence), typicality));
    }
}
