using Apache.Arrow;
using Apache.Arrow.Ipc;
using Apache.Arrow.Types;
using FlowService.Errors;

namespace FlowService.Wire.Arrow;

/// <summary>Rows of Arrow record batches: of one batch after the other, columns side by side.</summary>
internal sealed class ArrowRowReader : RowReader
{
    private readonly ArrowStreamReader arrow;
    private readonly ArrowColumn[] table;
    private readonly RowColumns columns;
    private readonly int[] kept;
    private RecordBatch? batch;
    private int taken;

    private ArrowRowReader(ArrowStreamReader arrow, Schema schema, RowSource source) : base(source)
    {
        this.arrow = arrow;
        table = [.. schema.FieldsList.SelectMany((field, index) => ArrowColumn.Of(field, index, source.Layout))];
        columns = source.Layout.Named([.. table.Select(column => column.Name)]);
        kept = [.. columns.Kept.Select(column => table[column].Field).Distinct()];
        foreach (int field in kept)
            if (schema.GetFieldByIndex(field) is { DataType: DictionaryType } encoded)
                throw Invalid($"column '{encoded.Name.Shown()}' is dictionary-encoded and cannot be passed on; send it as plain values");
    }

    public static async ValueTask<ArrowRowReader> OpenAsync(Stream body, RowSource source, CancellationToken cancellation)
    {
        var arrow = new ArrowStreamReader(body, new BoundedAllocator(source.Limits.BodyBytes));
        Schema schema = await Guarded(async () => await arrow.GetSchema(cancellation)) ?? throw Invalid("the body is empty; send a schema and record batches");
        return new ArrowRowReader(arrow, schema, source);
    }

    protected override async ValueTask FillAsync(RowBlock block, int most, CancellationToken cancellation)
    {
        while (batch is null || taken == batch.Length)
        {
            batch?.Dispose();
            taken = 0;
            batch = await Guarded(async () => await arrow.ReadNextRecordBatchAsync(cancellation));
            if (batch is null)
                return;
        }
        int rows = Math.Min(most - block.Rows, batch.Length - taken);
        Copy(columns.Values, block.Values, rows);
        Copy(columns.Context, block.Context, rows);
        if (kept.Length > 0)
            block.Kept = new KeptColumns(batch.SliceShared(taken, rows), kept);
        taken += rows;
    }

    public override ValueTask DisposeAsync()
    {
        batch?.Dispose();
        arrow.Dispose();
        return base.DisposeAsync();
    }

    private void Copy(int[] wanted, RowTable? target, int rows)
    {
        if (target is null)
            return;
        Span<float> values = target.Reserve(rows * wanted.Length);
        for (int i = 0; i < wanted.Length; i++)
            table[wanted[i]].Copy(batch!, taken, rows, values[i..], wanted.Length, target);
        target.AdvanceRows(rows, wanted.Length);
    }

    /// <summary>The library fails in many ways on damaged bytes: all are one to the client.</summary>
    private static async ValueTask<T> Guarded<T>(Func<ValueTask<T>> read)
    {
        try
        {
            return await read();
        }
        catch (Exception e) when (e is not (RequestException or OperationCanceledException or BadHttpRequestException or IOException { InnerException: not null }))
        {
            throw Invalid($"the body is no Arrow stream: {e.Message.Shown()}");
        }
    }
}
