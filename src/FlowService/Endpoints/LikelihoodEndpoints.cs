using FlowService.Batching;
using FlowService.OpenApi;
using FlowService.Wire;

namespace FlowService.Endpoints;

/// <summary>The rows to score.</summary>
/// <param name="Model">The model's name; may be left out where one model is loaded.</param>
/// <param name="Version">The model's version; the highest one serves by default.</param>
/// <param name="X">The rows: lists of as many numbers as the model has features.</param>
/// <param name="Context">For a conditional model: one row of context for each row, or a single one for all. A class is one integer.</param>
/// <param name="Include">What to add to the answer: z, log_det, latent_norm2, bits_per_dim.</param>
/// <param name="TimeoutMs">Give up after so many milliseconds, with 504.</param>
/// <param name="Priority">interactive (default) or bulk: interactive requests are computed first.</param>
internal sealed record LogProbRequest(string? Model, int? Version, float[][] X, float[][]? Context, string[]? Include, int? TimeoutMs, string? Priority);

/// <summary>The rows' log densities. A number that is not finite is null, and its row stands in non_finite.</summary>
/// <param name="Model">The model that answered.</param>
/// <param name="Version">Its version.</param>
/// <param name="LogProb">log p(x) of each row in nats, in the units of x.</param>
/// <param name="Z">With include z: the latents.</param>
/// <param name="LogDet">With include log_det: log|det dz/dx|.</param>
/// <param name="LatentNorm2">With include latent_norm2: the squared length of the latent.</param>
/// <param name="BitsPerDim">With include bits_per_dim: -log p(x) / (features * ln 2).</param>
/// <param name="NonFinite">The rows with a null, counted from 0; left out where there is none.</param>
internal sealed record LogProbAnswer(
    string Model, int Version, float?[] LogProb, float?[][]? Z, float?[]? LogDet, float?[]? LatentNorm2, float?[]? BitsPerDim, int[]? NonFinite);

internal static class LikelihoodEndpoints
{
    private static readonly RowOperation Operated =
        new(Operation.LogProb, RequestField.LogProb, RequestField.X, new("z", "log_det", "latent_norm2", "bits_per_dim"), AnswerTo)
        {
            KeepsValues = include => include.Contains("z") || include.Contains("latent_norm2"),
        };

    public static void MapLikelihood(this RouteGroupBuilder group) => group.MapPost("/logprob", LogProb)
        .WithOperation<LogProbRequest, LogProbAnswer>(Operation.LogProb)
        .WithRows(RequestField.LogProb)
        .WithTags("Scoring")
        .WithSummary("Exact log densities of rows")
        .WithDescription("""
            log p(x) of each row, in nats, in the units of the data that you send. Low values mark anomalies. `include` adds the
            latents `z`, `log_det`, `latent_norm2` (the squared length of the latent) and `bits_per_dim`. A log density that overflows
            is `null`, and its row stands in `non_finite`; the other rows are not affected.
            """)
        .WithExample("""{ "model": "two-moons", "x": [[0.0, 1.0], [1.0, -0.5], [3.0, 3.0]], "include": ["z", "latent_norm2"] }""",
            """
            {
              "model": "two-moons", "version": 1, "log_prob": [-0.19051953, -0.27757013, -29.861551],
              "z": [[-0.37321672, -0.15775949], [1.0606087, -0.5463956], [-0.23979878, 7.6147485]], "latent_norm2": [0.16417877, 1.423439, 58.041897]
            }
            """);

    private static Task LogProb(HttpContext http, [AsParameters] OperationServices services) => services.AnswerAsync(http, Operated);

    private static Answer AnswerTo(WorkItem work, HashSet<string> include, RowPool pool)
    {
        WorkResults results = work.Results;
        Answer answer = RowOperation.To(work).Add("log_prob", results.LogProb);
        if (include.Contains("z"))
            answer.AddLatents("z", results.Values, work.Model);
        if (include.Contains("log_det"))
            answer.Add("log_det", results.LogDet);
        if (include.Contains("latent_norm2"))
            answer.AddDerived("latent_norm2", Derived.SquaredNorms(results.Values, work.Model.Width, pool));
        if (include.Contains("bits_per_dim"))
            answer.AddDerived("bits_per_dim", Derived.BitsPerDim(results.LogProb, work.Model.Width, pool));
        return answer;
    }
}
