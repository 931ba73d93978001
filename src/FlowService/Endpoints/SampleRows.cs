using FlowService.Batching;
using FlowService.Errors;
using FlowService.Limits;
using FlowService.Models;
using FlowService.Wire;

namespace FlowService.Endpoints;

/// <summary>The samples that a request asks for: so many of each context, of one stream of noise.</summary>
internal sealed class SampleRows
{
    private const double MaxTemperature = 100;

    // JavaScript's numbers hold integers up to 2^53: a seed that we draw can be sent back by any client.
    private const long MaxDrawnSeed = 1L << 53;

    private readonly ContextRows context;
    private readonly long perContext, offset;
    private readonly ulong seed;
    private readonly float temperature;

    private SampleRows(RowRequest request, ServedModel model)
    {
        perContext = request.Count ?? throw RowRequest.Missing(RequestField.Count, "the number of rows to draw");
        double asked = request.Temperature ?? 1;
        if (!(asked > 0 && asked <= MaxTemperature))
            throw Invalid(RequestField.Temperature, $"temperature must lie above 0 and up to {MaxTemperature}");
        temperature = (float)asked;
        context = ContextRows.Of(request.Context, model);
        seed = request.Seed ?? (ulong)Random.Shared.NextInt64(MaxDrawnSeed);
        offset = request.Offset ?? 0;
    }

    /// <summary>The number of samples: of all contexts.</summary>
    public long Count { get; private set; }

    /// <summary>Reads what a request says of samples.</summary>
    /// <param name="request">The request, its context read.</param>
    /// <param name="model">The model.</param>
    /// <param name="limits">The limits.</param>
    /// <param name="inParts">Whether they are drawn and answered in parts; else the limits for one request hold.</param>
    /// <exception cref="RequestException">422: names the field that is out of range, and the range.</exception>
    public static SampleRows Of(RowRequest request, ServedModel model, LimitsOptions limits, bool inParts)
    {
        var samples = new SampleRows(request, model);
        (long most, string setting) = inParts ? (limits.StreamRows, "Limits:StreamRows") : (limits.SamplesPerRequest, "Limits:SamplesPerRequest");
        int contexts = Math.Max(1, samples.context.Count);
        if (samples.perContext < 1 || samples.perContext > most / contexts)
            throw Invalid(RequestField.Count, contexts > 1
                ? $"count must be at least 1, and count times {contexts} context rows at most {most} ({setting}); count is {samples.perContext}"
                : $"count must lie in 1..{most} ({setting}); it is {samples.perContext}");
        long rows = samples.perContext * contexts;
        if (samples.offset < 0 || samples.offset > long.MaxValue - rows)
            throw Invalid(RequestField.Offset, $"offset must lie in 0..{long.MaxValue - rows}: it is the first row of the seed's stream; it is {samples.offset}");
        int values = Math.Max(model.Width, model.Engine.NoiseWidth);
        if (!inParts && rows * values > limits.ValuesPerRequest)
            throw Invalid(RequestField.Count, $"{rows} rows of {values} values are more than {limits.ValuesPerRequest} values (Limits:ValuesPerRequest); lower count");
        samples.Count = rows;
        return samples;
    }

    /// <summary>Some successive samples.</summary>
    public WorkRows Part(long first, int rows) => new()
    {
        Count = rows,
        First = first,
        Context = context.Values,
        RowsPerContext = context.Count > 0 ? perContext : 1,
        Offset = offset + first,
        Seed = seed,
        Temperature = temperature,
    };

    private static RequestException Invalid(RequestField field, string detail) =>
        new(ProblemKind.InvalidArgument, detail) { Field = field.Name() };
}
