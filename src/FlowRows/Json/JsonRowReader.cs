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
        RowTable<T> first = rows.Values ?? rows.Context
            ?? throw new RowFault(RowFaultKind.InvalidArgument, $"the body holds no {source.Layout.Field}") { Field = source.Layout.Field };
        count = first.Rows;
        if (count == 0)
            throw RowFault.NoRows(source.Layout.Field, source.Layout.Field);
        int context = rows.Context?.Width ?? 0;
        if (rows.Values is not null && rows.Context is { } given && given.Rows != count)
            throw new RowFault(RowFaultKind.WrongContext, $"context has {given.Rows} rows for {count} rows; give one for each row") { Field = RowNames.Context };
        Columns = source.Layout.Unnamed((rows.Values?.Width ?? 0) + context);
        rows.Values?.CheckWidth(Columns.Values.Length, source.Layout.Model);
        rows.Context?.CheckWidth(Columns.Context.Length, source.Layout.Model);
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
        Copy(rows.Values, block.Values, at, taken);
        Copy(rows.Context, block.Context, at, taken);
        if (rows.Errors is { } errors)
            for (int row = 0; row < taken; row++)
                if (errors.Of(at + row) is { } reason)
                    block.Errors!.Add(at - (int)RowsRead + row, reason);
        return ValueTask.CompletedTask;
    }

    private static void Copy(RowTable<T>? from, RowTable<T>? to, int first, int count)
    {
        if (from is null || to is null || count == 0)
            return;
        from.Values.Span.Slice(first * from.Width, count * from.Width).CopyTo(to.Reserve(count * from.Width));
        to.AdvanceRows(count, from.Width);
    }
}
