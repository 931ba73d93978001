using System.Numerics;
using Apache.Arrow;
using Apache.Arrow.Ipc;
using Apache.Arrow.Types;
using FlowRows.Tables;

namespace FlowRows.Arrow;

/// <summary>Rows of Arrow record batches: of one batch after the other, columns side by side.</summary>
internal sealed class ArrowRowReader<T> : RowReader<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly IArrowArrayStream arrow;
    private readonly ArrowColumn[] table;
    private readonly int[] kept;
    private readonly Rowless empty = new("record batches without rows");
    private SharedBatch? shared;
    private int taken;

    private ArrowRowReader(IArrowArrayStream arrow, Schema schema, RowSource source) : base(source)
    {
        this.arrow = arrow;
        table = [.. schema.FieldsList.SelectMany((field, index) => ArrowColumn.Of(field, index, source.Layout))];
        Names = [.. table.Select(column => column.Name)];
        Columns = source.Layout.Named(Names);
        kept = [.. Columns.Kept.Select(column => table[column].Field).Distinct()];
        Fields = [.. Columns.Values.Concat(Columns.Context).Select(column => table[column].Field).Concat(kept).Distinct()];
        foreach (int field in kept)
            if (schema.GetFieldByIndex(field) is { DataType: DictionaryType } encoded)
                throw Invalid($"column '{encoded.Name.Shown()}' is dictionary-encoded and cannot be passed on; send it as plain values");
    }

    public override RowColumns Columns { get; }

    public override IReadOnlyList<string> Names { get; }

    public static async ValueTask<ArrowRowReader<T>> OpenAsync(Stream body, RowSource source, CancellationToken cancellation)
    {
        var arrow = new ArrowStreamReader(body, new BoundedAllocator(source.Limits.BodyBytes));
        try
        {
            Schema schema = await Guarded(async () => await arrow.GetSchema(cancellation)) ?? throw Invalid("the body is empty; send a schema and record batches");
            return Guarded(() => new ArrowRowReader<T>(arrow, schema, source));
        }
        catch
        {
            arrow.Dispose();
            throw;
        }
    }

    /// <summary>The columns of the schema that are read, by their places.</summary>
    public IReadOnlyList<int> Fields { get; }

    /// <summary>Rows of batches that come from elsewhere, which are disposed of with them.</summary>
    public static ArrowRowReader<T> Of(IArrowArrayStream batches, RowSource source) => new(batches, batches.Schema, source);

    protected override async ValueTask FillAsync(RowBlock<T> block, int most, CancellationToken cancellation)
    {
        if (kept.Length > 0)
            block.Kept ??= new(kept);
        do
        {
            if (!await NextAsync(cancellation))
                return;
            Take(block, shared!, Math.Min(most - block.Rows, shared!.Batch.Length - taken));
        }
        while (Waits && block.Rows < most);
    }

    /// <summary>Goes on to a batch that has rows left; false at the end.</summary>
    private async ValueTask<bool> NextAsync(CancellationToken cancellation)
    {
        while (shared is null || taken == shared.Batch.Length)
        {
            shared?.Dispose();
            (shared, taken) = (null, 0);
            if (await Guarded(async () => await arrow.ReadNextRecordBatchAsync(cancellation)) is not { } next)
                return false;
            shared = new(next);
            if (next.Length == 0)
                empty.Pass();
            else
                empty.Rows(next.Length);
            Guarded(() => CheckLengths(next));
        }
        return true;
    }

    private bool CheckLengths(RecordBatch batch)
    {
        foreach (int field in Fields)
            if (batch.Column(field).Length != batch.Length)
                throw ArrowChecks.Damaged(batch.Schema.GetFieldByIndex(field).Name);
        return true;
    }

    private void Take(RowBlock<T> block, SharedBatch from, int rows)
    {
        RecordBatch batch = from.Batch;
        Guarded(() =>
        {
            Copy(batch, Columns.Values, block.Values, rows);
            Copy(batch, Columns.Context, block.Context, rows);
            foreach (int field in kept)
                ArrowChecks.Check(batch.Column(field).Data, batch.Schema.GetFieldByIndex(field).Name);
            block.Kept?.Add(batch.SliceShared(taken, rows), from.Shared());
            return rows;
        });
        taken += rows;
    }

    public override ValueTask DisposeAsync()
    {
        shared?.Dispose();
        shared = null;
        arrow.Dispose();
        return base.DisposeAsync();
    }

    private void Copy(RecordBatch batch, int[] wanted, RowTable<T>? target, int rows)
    {
        if (target is null)
            return;
        target.Categories = target.Name == RowNames.Context ? Source.Layout.Categories : null;
        Span<T> values = target.Reserve(rows * wanted.Length);
        for (int i = 0; i < wanted.Length; i++)
            if (i < target.Categories?.Columns)
                table[wanted[i]].CopyCategories(batch, taken, rows, values[i..], wanted.Length, target, i);
            else
                table[wanted[i]].Copy(batch, taken, rows, values[i..], wanted.Length, target, Source.Layout.Model);
        target.AdvanceRows(rows, wanted.Length);
    }

    /// <summary>The library fails in many ways on damaged bytes: all are one to the client.</summary>
    private static async ValueTask<TRead> Guarded<TRead>(Func<ValueTask<TRead>> read)
    {
        try
        {
            return await read();
        }
        catch (Exception e) when (IsDamage(e))
        {
            throw Damaged(e);
        }
    }

    private static TRead Guarded<TRead>(Func<TRead> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (IsDamage(e))
        {
            throw Damaged(e);
        }
    }

    // What the pipe itself throws is about the connection or its coding, not about Arrow.
    private static bool IsDamage(Exception e) =>
        e is EndOfStreamException or not (RowFault or OperationCanceledException or IOException or OutOfMemoryException);

    private static RowFault Damaged(Exception e) => Invalid($"the body is no Arrow stream: {e.Message.Shown()}");
}
