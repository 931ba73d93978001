using System.IO.Pipelines;
using System.Numerics;
using FlowRows.Answers;
using FlowRows.Arrow;
using FlowRows.Tables;
using Parquet;
using Parquet.Schema;

namespace FlowRows.Parquet;

/// <summary>An answer as a Parquet file, a row group for each part: the columns that are passed on, then the answer's. Its end tells that it is whole.</summary>
internal sealed class ParquetAnswerWriter<T>(PipeWriter body, AnswerOptions options) : AnswerWriter<T>(body)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private ParquetWriter? parquet;
    private DataField[] fields = [];

    public override async ValueTask WriteAsync(Answer<T> part, CancellationToken cancellation)
    {
        KeptTypes.Check(part.Kept, "application/vnd.apache.parquet");
        if (parquet is null)
        {
            CheckNames(part);
            fields = [.. Fields(part)];
            parquet = await ParquetWriter.CreateAsync(new ParquetSchema(fields), new PlacedStream(Body), cancellationToken: cancellation);
        }
        using (ParquetRowGroupWriter group = parquet.CreateRowGroup())
            await WriteAsync(part, group);
        await Body.FlushAsync(cancellation);
    }

    public override async ValueTask CompleteAsync(CancellationToken cancellation)
    {
        if (parquet is not null)
            await parquet.DisposeAsync(); // writes the description at the end
        await base.CompleteAsync(cancellation);
    }

    private IEnumerable<DataField> Fields(Answer<T> part)
    {
        for (int i = 0; i < part.Kept?.Count; i++)
            yield return KeptParquet.FieldOf(part.Kept.Field(i));
        if (part.Numbers is not null)
            yield return new DataField<long>(RowColumn);
        foreach (AnswerColumn<T> column in part.Columns)
            foreach (string name in column.Names)
                yield return column.IsFlag ? new DataField<bool?>(name) : options.Type == ElementType.Float32 ? new DataField<float>(name) : new DataField<double>(name);
        foreach (string name in part.Reasons?.Columns ?? [])
            yield return new DataField<string>(name);
        if (part.Errors is not null)
            yield return new DataField<string>(ErrorColumn);
    }

    private async Task WriteAsync(Answer<T> part, ParquetRowGroupWriter group)
    {
        int next = 0;
        for (int i = 0; i < part.Kept?.Count; i++)
            await KeptParquet.WriteAsync(group, fields[next++], part.Kept.Array(i));
        if (part.Numbers is { } numbers)
            await group.WriteAsync<long>(fields[next++], numbers.AsMemory());
        foreach (AnswerColumn<T> column in part.Columns)
            for (int i = 0; i < column.Width; i++)
                await WriteAsync(group, fields[next++], column, i, part.Rows);
        for (int i = 0; i < part.Reasons?.Top; i++)
            await group.WriteAsync(fields[next++], (IReadOnlyCollection<string>)Texts(part.Rows, row => part.Reasons.Text(row, i))!);
        if (part.Errors is { } errors)
            await group.WriteAsync(fields[next], (IReadOnlyCollection<string>)Texts(part.Rows, errors.Of)!);
    }

    private async Task WriteAsync(ParquetRowGroupWriter group, DataField field, AnswerColumn<T> column, int index, int rows)
    {
        if (column.IsFlag)
            await group.WriteAsync<bool>(field, Each<bool?>(column, index, rows, value => T.IsNaN(value) ? null : value != T.Zero));
        else if (options.Type == ElementType.Float32)
            await group.WriteAsync<float>(field, Each(column, index, rows, float.CreateTruncating));
        else
            await group.WriteAsync<double>(field, Each(column, index, rows, double.CreateTruncating));
    }

    private static ReadOnlyMemory<TTo> Each<TTo>(AnswerColumn<T> column, int index, int rows, Func<T, TTo> convert)
    {
        var values = new TTo[rows];
        ReadOnlySpan<T> from = column.Values.Span;
        for (int row = 0; row < rows; row++)
            values[row] = convert(from[row * column.Width + index]);
        return values;
    }

    private static string?[] Texts(int rows, Func<int, string?> textOf)
    {
        string?[] texts = new string?[rows];
        for (int row = 0; row < rows; row++)
            texts[row] = textOf(row);
        return texts;
    }
}
