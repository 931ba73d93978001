using Apache.Arrow;
using Apache.Arrow.Ipc;
using Parquet;
using Parquet.Schema;

namespace FlowRows.Parquet;

/// <summary>The row groups of a Parquet file as Arrow record batches.</summary>
internal sealed class ParquetBatches : IArrowArrayStream
{
    private readonly ParquetReader reader;
    private readonly ParquetColumn[] columns;
    private readonly long mostBytes;
    private int next;

    /// <param name="reader">The file, which is disposed with this.</param>
    /// <param name="mostBytes">The most bytes of a row group, which is held whole.</param>
    public ParquetBatches(ParquetReader reader, long mostBytes)
    {
        (this.reader, this.mostBytes) = (reader, mostBytes);
        columns = [.. reader.Schema.Fields.Select(field => field is DataField { IsArray: false } data
            ? ParquetColumn.Of(data)
            : throw ParquetColumn.Unread(field.Name, "nested values"))];
        Schema = new(columns.Select(column => column.Field), null);
    }

    public Schema Schema { get; }

    public async ValueTask<RecordBatch> ReadNextRecordBatchAsync(CancellationToken cancellationToken = default) =>
        await GuardedAsync(() => ReadAsync(cancellationToken));

    private async Task<RecordBatch> ReadAsync(CancellationToken cancellation)
    {
        if (next == reader.RowGroupCount)
            return null!; // the end, as Arrow's readers say it
        using ParquetRowGroupReader group = reader.OpenRowGroupReader(next++);
        long rows = group.RowCount;
        if (rows < 0 || rows > int.MaxValue || rows * columns.Length * sizeof(double) > mostBytes)
            throw new RowFault(RowFaultKind.TooLarge, $"row group {next - 1} of the Parquet file has {rows} rows of {columns.Length} columns, more than {mostBytes} bytes; write smaller row groups, or raise Limits:BodyBytes");
        var arrays = new List<IArrowArray>();
        foreach (ParquetColumn column in columns)
            arrays.Add(await column.ReadAsync(group, (int)rows, cancellation));
        return new RecordBatch(Schema, arrays, (int)rows);
    }

    public void Dispose() => reader.DisposeAsync().AsTask().GetAwaiter().GetResult();

    /// <summary>The library fails in many ways on damaged bytes: all are one to the client.</summary>
    public static async Task<TRead> GuardedAsync<TRead>(Func<Task<TRead>> read)
    {
        try
        {
            return await read();
        }
        catch (Exception e) when (e is not (RowFault or OperationCanceledException or OutOfMemoryException))
        {
            throw new RowFault(RowFaultKind.InvalidBody, $"the body is no Parquet file: {e.Message.Shown()}");
        }
    }
}
