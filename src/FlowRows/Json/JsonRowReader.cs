using System.Numerics;
using FlowRows.Tables;

namespace FlowRows.Json;

/// <summary>Rows of JSON that has been read whole, handed out in parts.</summary>
internal sealed class JsonRowReader<T> : RowReader<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly JsonRowsFile<T> rows;
    private readonly int count;

    public JsonRowReader(JsonRowsFile<T> rows, RowSource source) : base(source)
    {
        this.rows = rows;
        RowLayout layout = source.Layout;
        RowTable<T> first = rows.Values ?? rows.Context
            ?? throw new RowFault(RowFaultKind.InvalidArgument, $"{layout.Field} is missing: rows of numbers, [[...], ...]") { Field = layout.Field };
        if (rows.Values?.Named is { } named)
            rows.Arrange(named, layout);
        first = rows.Values ?? first;
        if (layout.Context is { Width: 1 })
            rows.Context?.Unflatten();
        count = first.Rows;
        if (count == 0)
            throw RowFault.NoRows(layout.Field, layout.Field);
        Columns = layout.Unnamed(Width(rows.Values) + Width(rows.Context));
        rows.Values?.CheckWidth(Columns.Values.Length, layout.Model);
        rows.Context?.CheckWidth(Columns.Context.Length, layout.Model);
        if (rows.Values is null)
            return;
        ContextRows<T>.CheckCount(rows.Context?.Rows ?? 1, count);
        ContextRows<T>.Sift(rows.Context, rows.Errors, count, layout.Context, layout.Model);
    }

    public override RowColumns Columns { get; }

    public override long? Rows => count;

    public override ValueTask DisposeAsync()
    {
        rows.Dispose();
        return base.DisposeAsync();
    }

    protected override ValueTask FillAsync(RowBlock<T> block, int most, CancellationToken cancellation)
    {
        int at = (int)RowsRead + block.Rows, taken = Math.Min(most - block.Rows, count - at);
        // First, for NaN stands in their places, and would be refused as if it had been sent.
        if (rows.Errors is { } errors)
            for (int row = 0; row < taken; row++)
                if (errors.Of(at + row) is { } reason)
                    block.Errors!.Add(at - (int)RowsRead + row, reason);
        Copy(rows.Values, block.Values, at, taken);
        if (rows.Context is { Rows: 1 } one && taken > 0)
            for (int row = 0; row < taken; row++)
                Copy(one, block.Context, 0, 1);
        else
            Copy(rows.Context, block.Context, at, taken);
        return ValueTask.CompletedTask;
    }

    // The width that the rows should have: the first one is no measure of the others.
    private int Width(RowTable<T>? table) =>
        table is null ? 0 : Source.Layout.Elements(table.Name) is { } names ? names.Length : table.Width;

    private static void Copy(RowTable<T>? from, RowTable<T>? to, int first, int count)
    {
        if (from is null || to is null || count == 0)
            return;
        from.Values.Span.Slice(first * from.Width, count * from.Width).CopyTo(to.Reserve(count * from.Width));
        to.AdvanceRows(count, from.Width);
    }
}
