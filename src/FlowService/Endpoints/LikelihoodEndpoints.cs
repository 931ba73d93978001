using FlowRows.Answers;
using FlowService.Batching;
using FlowService.OpenApi;
using FlowService.Requests;

namespace FlowService.Endpoints;

/// <summary>The rows' log densities. A number that is not finite is null, and its row stands in non_finite.</summary>
/// <param name="Model">The model that answered.</param>
/// <param name="Version">Its version.</param>
/// <param name="LogProb">log p(x) of each row in nats, in the units of x.</param>
/// <param name="Z">With include z: the latents.</param>
/// <param name="LogDet">With include log_det: log|det dz/dx|.</param>
/// <param name="LatentNorm2">With include latent_norm2: the squared length of the latent.</param>
/// <param name="BitsPerDim">With include bits_per_dim: -log p(x) / (features * ln 2).</param>
/// <param name="ComplexityCorrected">With include complexity_corrected, of pictures: (-log2 P(x) less the bits of the picture's PNG) / features, higher for stranger ones (Serra et al. 2020).</param>
/// <param name="PValue">With include p_value: the share of calibration rows at least as strange as the row, counting the row itself.</param>
/// <param name="QValue">With include q_value: the p-value adjusted for the number of rows in the request (Benjamini-Hochberg).</param>
/// <param name="Severity">With include severity: min(1, -log10(p) / 4), from 0 for ordinary rows to 1.</param>
/// <param name="ZScores">With include z_scores: how many standard deviations each feature lies from its mean.</param>
/// <param name="NMissing">With missing marginalize: how many values the row lacks.</param>
/// <param name="Anomaly">With alpha: whether the row's p-value is at most alpha.</param>
/// <param name="Attribution">With include attribution: the features that make the row strange, the weightiest first; null where the row is not explained.</param>
/// <param name="Alpha">The alpha that was sent.</param>
/// <param name="Score">Which score p-values are of.</param>
/// <param name="PMin">The least p-value that the calibration can give: 1 / (calibration_rows + 1).</param>
/// <param name="CalibrationRows">The number of rows that p-values rest on.</param>
/// <param name="Warnings">What the calibration is too small for.</param>
/// <param name="NonFinite">The rows with a null, counted from 0; left out where there is none.</param>
/// <param name="Row">With on_error skip: the number of each row in the body.</param>
/// <param name="Error">With on_error null: why a row could not be read, null for the others.</param>
internal sealed record LogProbAnswer(
    string Model, int Version, float?[] LogProb, float?[][]? Z, float?[]? LogDet, float?[]? LatentNorm2, float?[]? BitsPerDim, float?[]? ComplexityCorrected,
    float?[]? PValue, float?[]? QValue, float?[]? Severity, float?[][]? ZScores, int?[]? NMissing, bool?[]? Anomaly, FeatureReason[]?[]? Attribution, double? Alpha, string? Score, float? PMin,
    int? CalibrationRows, string[]? Warnings, int[]? NonFinite, long[]? Row, string?[]? Error);

/// <summary>One feature that makes a row strange.</summary>
/// <param name="Feature">Its name.</param>
/// <param name="Value">What it is in the row.</param>
/// <param name="Nats">How far the row's log density rises where an ordinary value stands in its place; null where that is beyond measure.</param>
/// <param name="Expected">A value that goes with the rest of the row.</param>
internal sealed record FeatureReason(string Feature, float Value, float? Nats, float Expected);

internal static class LikelihoodEndpoints
{
    private static readonly ServedOperation
        Served = new(Operation.LogProb, RequestFields.LogProb, RowOperation.LogProb),
        Scored = new(Operation.Score, RequestFields.OfScore, RowOperation.Score);

    public static void MapLikelihood(this RouteGroupBuilder group)
    {
        MapLogProb(group);
        MapScore(group);
    }

    private static void MapLogProb(RouteGroupBuilder group) => group.MapPost("/logprob", LogProb)
        .WithOperation<LogProbAnswer>(Served, RequestFields.X)
        .WithSound(answers: false)
        .WithTags("Scoring")
        .WithSummary("Exact log densities of rows")
        .WithDescription("""
            log p(x) of each row, in nats, in the units of the data that you send. Low values mark anomalies. `include` adds the
            latents `z`, `log_det`, `latent_norm2` (the squared length of the latent), `bits_per_dim` and, of pictures, `complexity_corrected`. A log density that overflows
            is `null`, and its row stands in `non_finite`; the other rows are not affected. Of a calibrated model `p_value` says how strange a row is among
            ordinary ones, `alpha` calls rows anomalies by it, and `attribution` says which features make them so. A picture and what it is conditioned
            on, its small one say, come as the parts `x` and `context` of a form, each a PNG or a NumPy array. A model of sound takes a WAV file,
            and answers with the log density of the sound given its own mels: `log_prob`, `samples` and `log_prob_per_sample`.
            """)
        .WithExample("""{ "model": "two-moons", "x": [[0.0, 1.0], [1.0, -0.5], [3.0, 3.0]], "include": ["z", "latent_norm2"] }""",
            """
            {
              "model": "two-moons", "version": 1, "log_prob": [-0.38251123, -0.15871441, -50.77532],
              "z": [[-0.5862917, 1.5098602], [0.6033266, -1.5037622], [2.974935, 5.5357814]], "latent_norm2": [2.6234155, 2.6253037, 39.495113]
            }
            """);

    private static void MapScore(RouteGroupBuilder group) => group.MapPost("/score", Score)
        .WithOperation<LogProbAnswer>(Scored, RequestFields.X)
        .WithTags("Scoring")
        .WithSummary("Which rows are anomalies, and why")
        .WithDescription("""
            `/logprob` with other defaults, for tables: the columns of the body pass through, and `log_prob`, `p_value`, `q_value` and `anomaly`
            stand behind them; with `include=p_value,q_value,attribution` the anomalies are explained in `reason_1`, `reason_2`, ... A row that
            cannot be read has its reason in `error`, and the others are scored. The model must be calibrated. Since q-values need all rows, the answer begins when the last one
            is read; with `include=p_value` it begins at once.
            """)
        .WithExample("""{ "model": "two-moons", "x": [[0.0, 1.0], [3.0, 3.0]], "include": ["p_value", "q_value", "attribution"] }""",
            """
            {
              "model": "two-moons", "version": 1, "log_prob": [-0.38251123, -50.77532], "p_value": [0.8056635, 0.00055524707],
              "q_value": [0.8056635, 0.0011104941], "anomaly": [false, true],
              "attribution": [
                null,
                [{ "feature": "y", "value": 3, "nats": 37.235935, "expected": -0.0009770506 }, { "feature": "x", "value": 3, "nats": 18.245386, "expected": -1.016333 }]
              ],
              "alpha": 0.01, "score": "combined", "p_min": 0.00055524707, "calibration_rows": 1800,
              "error": [null, null]
            }
            """);

    private static Task Score(HttpContext http, OperationServices services) => RequestRun.AnswerAsync(services, http, Scored);

    private static Task LogProb(HttpContext http, OperationServices services) =>
        MediaTypes.IsWav(http.Request) ? SoundRun.ScoreAsync(services, http, Served) : RequestRun.AnswerAsync(services, http, Served);
}
