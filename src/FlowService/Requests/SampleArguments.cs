using FlowRows.Answers;
using FlowRows.Tables;
using FlowService.Errors;
using FlowService.Limits;
using FlowService.Models;

namespace FlowService.Requests;

/// <summary>How many samples a request wants, and of what, before it is checked; what was left out is null.</summary>
internal sealed class SampleArguments
{
    // JavaScript's numbers hold integers up to 2^53: a seed that we draw can be sent back by any client.
    private const long MaxDrawnSeed = 1L << 53;

    /// <summary>The last row of a seed's stream that samples may begin with: behind it there are as many as any request may draw.</summary>
    public const long LargestOffset = long.MaxValue - LimitsOptions.MostStreamRows;

    /// <summary>The name under which the client knows <see cref="Count"/>.</summary>
    public string CountName { get; init; } = RequestFields.Count.Name;

    public required long Count { get; init; }

    public long? Offset { get; init; }

    public ulong? Seed { get; init; }

    public double? Temperature { get; init; }

    public ContextRows<float> Context { get; init; }

    /// <summary>The samples to be drawn. A seed that was left out is drawn too.</summary>
    /// <param name="model">The model.</param>
    /// <param name="limits">The limits.</param>
    /// <param name="inParts">Whether they are drawn and answered in parts; else the limits for one request hold.</param>
    /// <exception cref="RequestException">An argument is out of range, or there are more samples than the limits allow.</exception>
    public SampleRows Checked(ServedModel model, LimitsOptions limits, bool inParts = false)
    {
        (long most, string setting) = inParts ? (limits.StreamRows, "Limits:StreamRows") : (limits.SamplesPerRequest, "Limits:SamplesPerRequest");
        double temperature = FlowRows.Answers.Temperature.Checked(Temperature ?? 1);
        int contexts = Math.Max(1, Context.Count);
        if (SampleCount.Fault(CountName, Count, most, contexts, setting) is { } fault)
            throw Invalid(CountName, fault);
        long rows = Count * contexts;
        long offset = Offset ?? 0;
        if (offset is < 0 or > LargestOffset)
            throw Invalid(RequestFields.Offset.Name, $"offset must lie in 0..{LargestOffset}: it is the first row of the seed's stream; it is {offset}");
        int values = Math.Max(model.Width, model.Engine.NoiseWidth);
        if (!inParts && rows * values > limits.ValuesPerRequest)
            throw Invalid(CountName, $"{rows} rows of {values} values are more than {limits.ValuesPerRequest} values (Limits:ValuesPerRequest); lower {CountName}");
        return new(rows, Count, Context, offset, Seed ?? (ulong)Random.Shared.NextInt64(MaxDrawnSeed), (float)temperature);
    }

    private static RequestException Invalid(string field, string detail) => new(ProblemKind.InvalidArgument, detail) { Field = field };
}
