using FlowImages;
using FlowService.Batching;
using FlowService.Limits;
using FlowService.Models;
using FlowService.OpenApi;
using FlowService.Wire;
using Microsoft.Extensions.Options;

namespace FlowService.Endpoints;

/// <summary>How many rows to draw, and how.</summary>
/// <param name="Model">The model's name; may be left out where one model is loaded.</param>
/// <param name="Version">The model's version; the highest one serves by default.</param>
/// <param name="Count">The number of rows; with context, the number for each context row.</param>
/// <param name="Offset">The first row of the seed's stream (default 0): count 1000 and offset 5000 are rows 5000 to 5999 of it.</param>
/// <param name="Seed">The same seed gives the same rows; left out, one is drawn and returned.</param>
/// <param name="Temperature">Scales the noise: below 1 closer to the mode, above 1 further out (default 1).</param>
/// <param name="Context">For a conditional model: the rows to condition on. A class is one integer.</param>
/// <param name="Include">What to add to the answer: z.</param>
/// <param name="Range">For pictures: the values shown as black and as full brightness; by default what the model says of its data, else 0 and 1.</param>
/// <param name="TimeoutMs">Give up after so many milliseconds, with 504.</param>
/// <param name="Priority">interactive (default) or bulk: interactive requests are computed first.</param>
internal sealed record SampleRequest(
    string? Model, int? Version, int Count, long? Offset, ulong? Seed, double? Temperature, float[][]? Context, string[]? Include, float[]? Range, int? TimeoutMs, string? Priority);

/// <summary>The rows drawn, with their log densities. A number that is not finite is null, and its row stands in non_finite.</summary>
/// <param name="Model">The model that answered.</param>
/// <param name="Version">Its version.</param>
/// <param name="Seed">The seed that was used: send it to get the same rows again.</param>
/// <param name="Samples">The rows, in the order context, sample.</param>
/// <param name="LogProb">log p(x): the model's density of each row.</param>
/// <param name="LogQ">log q(x): the density that the row was really drawn from; differs where the temperature is not 1.</param>
/// <param name="Z">With include z: the latents that the rows were made from.</param>
/// <param name="NonFinite">The rows with a null, counted from 0; left out where there is none.</param>
internal sealed record SampleAnswer(
    string Model, int Version, ulong Seed, float?[][] Samples, float?[] LogProb, float?[] LogQ, float?[][]? Z, int[]? NonFinite);

internal static class SampleEndpoints
{
    private static readonly IncludeSet Includes = new("z");

    public static void MapSample(this RouteGroupBuilder group) => group.MapPost("/sample", Sample)
        .WithOperation<SampleRequest, SampleAnswer>(Operation.Sample)
        .WithPicture()
        .WithTags("Sampling")
        .WithSummary("Rows drawn from the model")
        .WithDescription("""
            Draws `count` rows. The same `seed` gives the same rows, whatever else the service is doing, and 10 rows are the beginning
            of 1000; `offset` goes on where another request ended, so that parts agree with the whole. `temperature` scales the noise of this request alone; `log_prob` is the model's density, `log_q` the one that was
            really drawn from. A conditional model draws `count` rows for each row of `context`, in that order. With `Accept: image/png`
            an image model answers with a picture: one line for each context, else about a square.
            """)
        .WithExample("""{ "model": "digits", "count": 3, "seed": 42, "temperature": 0.8, "context": [0, 1, 2] }""", null, "digits, a picture where image/png is chosen below")
        .WithExample("""{ "model": "two-moons", "count": 2, "seed": 42, "temperature": 1.0 }""",
            """
            {
              "model": "two-moons", "version": 1, "seed": 42, "samples": [[-0.04022363, 0.22273146], [1.5792834, -0.46574807]],
              "log_prob": [-0.8245127, -1.4004188], "log_q": [-0.8245127, -1.4004188]
            }
            """, "two moons");

    private static async Task Sample(HttpContext http, [AsParameters] OperationServices services, IOptions<LimitsOptions> limits)
    {
        using RowRequest request = await services.Reader.ReadAsync(http, RequestField.Sample);
        ServedModel model = await services.FindAsync(http, request);
        HashSet<string> include = Includes.Asked(request, model.Name);
        using WorkRows rows = RowsOf(request, model, limits.Value);
        int columns = rows.RowsPerContext > 1 || request.Context is not null ? rows.RowsPerContext : ImageGrid.NearSquare(rows.Count);
        PictureAnswer? picture = PictureAnswer.Asked(http, request, model, rows.Count, columns);
        using WorkItem work = await services.RunAsync(http, Operation.Sample, model, request, rows);
        WorkResults results = work.Results;
        if (picture is not null)
        {
            await picture.WriteAsync(http.Response, results.Values, http.RequestAborted);
            return;
        }
        using Answer answer = new Answer(model.Name, model.Version, rows.Count) { Seed = rows.Seed }
            .AddRows("samples", results.Values, model.Width)
            .Add("log_prob", results.LogProb)
            .Add("log_q", results.LogQ!);
        if (include.Contains("z"))
            answer.AddRows("z", results.Latents!, model.Width);
        await JsonAnswerWriter.WriteAsync(http.Response, answer, http.RequestAborted);
    }

    private static WorkRows RowsOf(RowRequest request, ServedModel model, LimitsOptions limits) => new SampleArguments
    {
        Count = request.Count ?? throw RowRequest.Missing(RequestField.Count, "the number of rows to draw"),
        Offset = request.Offset,
        Seed = request.Seed,
        Temperature = request.Temperature,
        Context = ContextRows.Of(request.Context, model),
    }.Rows(model, limits);
}
