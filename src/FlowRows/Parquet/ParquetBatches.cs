using Apache.Arrow;
using Apache.Arrow.Ipc;

namespace FlowRows.Parquet;

/// <summary>
/// The row groups of a Parquet file as Arrow record batches. What the file says of itself is compared with the bytes that are there, and of
/// a column no more is read than is wanted of it.
/// </summary>
internal sealed class ParquetBatches : IArrowArrayStream
{
    // Some writers forget the header of the dictionary when they count a column's bytes.
    private const int ForgottenBytes = 128;

    private readonly Stream file;
    private readonly ParquetFooter footer;
    private readonly ParquetColumn[] columns;
    private readonly RowLimits limits;
    private readonly long mostBytes;
    private int next;

    // Pieces that lie apart are no more bytes than the file has. Decompressed they may be any number.
    private long packedLeft, unpackedLeft;

    private ParquetBatches(Stream file, ParquetFooter footer, RowLimits limits)
    {
        (this.file, this.footer, this.limits, mostBytes) = (file, footer, limits, limits.BodyBytes);
        (packedLeft, unpackedLeft) = (footer.At, limits.StreamBytes);
        columns = [.. footer.Fields.Select(field => new ParquetColumn(field))];
        Schema = new(columns.Select(column => column.ArrowField), null);
        Wanted = [];
    }

    public Schema Schema { get; }

    /// <summary>The columns that are read, by their places in the schema; of the others a batch has none.</summary>
    /// <exception cref="RowFault">One of them is of a kind that is not read.</exception>
    public IReadOnlyList<int> Wanted
    {
        get;
        set
        {
            foreach (int column in value)
                columns[column].CheckRead();
            field = value;
        }
    }

    /// <param name="file">The file, which is disposed with this.</param>
    /// <param name="limits">Among them the most bytes of a row group, which is held whole, and of all of them, decompressed.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="RowFault">It is no Parquet file.</exception>
    public static async ValueTask<ParquetBatches> OpenAsync(Stream file, RowLimits limits, CancellationToken cancellation) =>
        new(file, await ParquetFooter.ReadAsync(file, cancellation), limits);

    public async ValueTask<RecordBatch> ReadNextRecordBatchAsync(CancellationToken cancellationToken = default)
    {
        if (next == footer.Groups.Length)
            return null!; // the end, as Arrow's readers say it
        ParquetGroup group = footer.Groups[next];
        if (group.Rows * Math.Max(1, Wanted.Count) * sizeof(double) > Math.Min(mostBytes, int.MaxValue))
            throw new RowFault(RowFaultKind.TooLarge, $"row group {next} of the Parquet file has {group.Rows} rows of {Wanted.Count} columns, more than {mostBytes} bytes; write smaller row groups, or raise Limits:BodyBytes");
        next++;
        int rows = (int)group.Rows;
        IArrowArray none = new NullArray(rows);
        IArrowArray[] arrays = [.. columns.Select(_ => none)];
        foreach (int column in Wanted)
            arrays[column] = await ReadAsync(columns[column], group, rows, cancellationToken);
        return new RecordBatch(Schema, arrays, rows);
    }

    public void Dispose() => file.Dispose();

    private async ValueTask<IArrowArray> ReadAsync(ParquetColumn column, ParquetGroup group, int rows, CancellationToken cancellation)
    {
        ParquetField field = column.Field;
        ParquetChunk chunk = group.Chunks[field.Leaf];
        long left = footer.At - chunk.Start;
        if (chunk.Start < 4 || left <= 0 || chunk.Bytes < 0 || chunk.Bytes > left)
            throw ParquetFault.Damaged(field.Name, "does not lie within the file");
        if (chunk.Bytes > mostBytes)
            throw new RowFault(RowFaultKind.TooLarge, $"column '{field.Name.Shown()}' of the Parquet file has {chunk.Bytes} bytes in row group {next - 1}, more than {mostBytes}; write smaller row groups, or raise Limits:BodyBytes");
        if ((packedLeft -= chunk.Bytes) < 0)
            throw ParquetFault.Damaged(field.Name, "lies where others do: all pieces are more bytes than the file");
        byte[] piece = new byte[Math.Min(chunk.Bytes + ForgottenBytes, left)];
        file.Position = chunk.Start;
        await file.ReadExactlyAsync(piece, cancellation);
        var values = ChunkValues.Read(piece, field, chunk, rows, mostBytes);
        return (unpackedLeft -= values.Unpacked) >= 0 ? column.Read(values, rows) : throw BoundedBody.TooLarge(limits.StreamBytes);
    }
}
