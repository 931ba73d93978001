using FlowService.Batching;
using FlowService.Errors;

namespace FlowService.Wire;

/// <summary>A request as it was sent, whatever its media type; what was left out is null. It owns the buffers of its rows.</summary>
internal sealed class RowRequest : IDisposable
{
    /// <summary>The format of the body's rows; null where the body is JSON, or there is none.</summary>
    public RowFormat? Body { get; init; }

    public string? Model { get; set; }

    public int? Version { get; set; }

    public RowTable? Rows { get; set; }

    public RowTable? Context { get; set; }

    /// <summary>One row [low, high]: the values shown as black and as full brightness.</summary>
    public RowTable? Range { get; set; }

    public int? Steps { get; set; }

    public List<string>? Include { get; set; }

    /// <summary>The columns of the body that go into the answer as they are; <c>*</c> stands for all.</summary>
    public List<string>? Keep { get; set; }

    /// <summary>The element type of a binary answer.</summary>
    public ElementType? Dtype { get; set; }

    public long? Count { get; set; }

    public long? Offset { get; set; }

    public Priority Priority { get; set; }

    public ulong? Seed { get; set; }

    public double? Temperature { get; set; }

    public int? TimeoutMs { get; set; }

    /// <summary>Takes over what a body of rows has brought.</summary>
    public void Take(RowBlock block)
    {
        Rows = block.Values;
        Context ??= block.Context;
    }

    /// <summary>The rows of x or z, which the model takes <paramref name="width"/> wide.</summary>
    public RowTable RowsOf(RequestField field, int width, string model)
    {
        RowTable rows = Rows ?? throw Missing(field, "rows of numbers, [[...], ...]");
        if (rows.Rows == 0)
            throw new RequestException(ProblemKind.InvalidArgument, $"{field.Name()} holds no rows; send at least one") { Field = field.Name() };
        rows.CheckWidth(width, model);
        return rows;
    }

    /// <summary>The refusal of a request that lacks a field.</summary>
    public static RequestException Missing(RequestField field, string what) =>
        new(ProblemKind.MissingField, $"{field.Name()} is missing: {what}") { Field = field.Name() };

    public void Dispose()
    {
        Rows?.Dispose();
        Context?.Dispose();
        Range?.Dispose();
    }
}
