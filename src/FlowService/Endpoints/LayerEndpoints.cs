using FlowCore;
using FlowCore.Checkpoints;
using FlowCore.Engines;
using FlowRows.Tables;
using FlowService.Batching;
using FlowService.Errors;
using FlowService.Models;
using FlowService.OpenApi;
using FlowService.Requests;
using FlowService.Telemetry;

namespace FlowService.Endpoints;

/// <summary>Latents on their way to data.</summary>
/// <param name="Model">The model that answered.</param>
/// <param name="Version">Its version.</param>
/// <param name="Layers">The kinds of the layers, in the order in which latents pass them.</param>
/// <param name="X">[layers + 1, rows, features]: the latents, and what they are behind each layer; the last are the rows. A number that is not finite is null.</param>
/// <param name="LogProb">[layers + 1, rows]: the log density at each place in nats; the first is the base density, the last log p(x).</param>
internal sealed record LayersAnswer(string Model, int Version, string[] Layers, float?[][][] X, float?[][] LogProb);

internal static class LayerEndpoints
{
    private const int MostRows = 10_000;

    public static void MapLayers(this RouteGroupBuilder group) => group.MapPost("/layers", Layers)
        .WithOperation<LayersAnswer>(Operation.Layers, RequestFields.Layers, [], RequestFields.Z)
        .WithTags("Latent space")
        .WithSummary("Latents on their way to data, layer by layer")
        .WithDescription($"""
            Where each latent is behind every layer, and its log density there: the change of variables, step by step. For flows of vectors of at most
            {LayeredFlow.MostWidth} features, and at most {MostRows} latents. With `Accept: application/x-npy` a NumPy array [layers + 1, rows, features + 1], the log density behind
            the features. It is computed beside the model's queue, one request at a time, and the last rows are those of `/decode` up to rounding.
            """)
        .WithExample("""{ "model": "two-moons", "z": [[0.0, 0.0]] }""", null);

    private static async Task Layers(HttpContext http, OperationServices services)
    {
        using RowRequest request = await services.Reader.ReadAsync(http, RequestFields.Layers);
        ServedModel model = await services.FindAsync(http, request);
        if (model.Layers is not { } layers)
            throw new RequestException(ProblemKind.InvalidArgument,
                $"model '{model.Name}' is not taken apart: that is for vectors of at most {LayeredFlow.MostWidth} features, and its event is [{string.Join(", ", model.Spec.EventShape)}]")
            { Field = RequestFields.Model.Name };
        bool isJson = MediaTypes.Choose(http.Request, [MediaTypes.Json, MediaTypes.Npy]) == MediaTypes.Json;
        using RowBlock<float> block = request.BlockOf(RequestFields.Z, model.Spec, model.Name);
        RowTable<float> z = block.Values!;
        if (z.Rows > MostRows)
            throw new RequestException(ProblemKind.TooManyRows, $"z has {z.Rows} rows, and /layers takes {MostRows}") { Field = RequestFields.Z.Name };
        ContextRows<float> context = ContextRows<float>.Of(block.Context ?? request.Context, model.Spec, model.Name, z.Rows);
        int width = model.Width, places = layers.Count + 1, most = services.Limits.Value.ValuesPerRequest;
        if (places * z.Rows * (width + 1) > most)
            throw new RequestException(ProblemKind.TooManyRows, $"{z.Rows} latents at {places} places of {width + 1} values each are more than {most} values (Limits:ValuesPerRequest); send fewer") { Field = RequestFields.Z.Name };
        RequestFacts? facts = http.Features.Get<RequestFacts>();
        facts?.Add(z.Rows);
        services.Quotas.Take(http, z.Rows);
        var values = new float[places * z.Rows * width];
        var logDensity = new float[places * z.Rows];
        float[] contexts = Repeated(context, z.Rows, model.Spec.ContextWidth);
        await layers.DecodeAsync(model, z.Values, contexts, values, logDensity, Deadline.Of(request.TimeoutMs, model.Queue.Options), facts, http.RequestAborted);
        if (isJson)
            await TypedResults.Ok(Answer(model, z.Rows, values, logDensity)).ExecuteAsync(http);
        else
            await NpyAnswer.WriteAsync(http, Joined(values, logDensity, width), places, z.Rows, width + 1);
    }

    private static LayersAnswer Answer(ServedModel model, int rows, float[] values, float[] logDensity) => new(
        model.Name, model.Version, Kinds(model.Spec),
        [.. values.Chunk(rows * model.Width).Select(place => place.Chunk(model.Width).Select(Finite).ToArray())],
        [.. logDensity.Chunk(rows).Select(Finite)]);

    private static string[] Kinds(FlowSpec spec) =>
        [.. SpecJson.ToElement(spec).GetProperty("bijections").EnumerateArray().Select(layer => layer.GetProperty("kind").GetString()!).Reverse()];

    private static float?[] Finite(float[] values) => Array.ConvertAll(values, value => float.IsFinite(value) ? value : (float?)null);

    private static float[] Joined(float[] values, float[] logDensity, int width)
    {
        var all = new float[values.Length + logDensity.Length];
        for (int i = 0; i < logDensity.Length; i++)
        {
            values.AsSpan(i * width, width).CopyTo(all.AsSpan(i * (width + 1)));
            all[i * (width + 1) + width] = logDensity[i];
        }
        return all;
    }

    /// <summary>A context for each row.</summary>
    private static float[] Repeated(ContextRows<float> context, int rows, int width)
    {
        if (context.Values is not { } values)
            return [];
        var all = new float[rows * width];
        int rowsPerContext = context.RowsPerContext(rows);
        for (int row = 0; row < rows; row++)
            values.Span.Slice(row / rowsPerContext * width, width).CopyTo(all.AsSpan(row * width));
        return all;
    }
}
