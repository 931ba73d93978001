using System.Globalization;
using System.IO.Pipelines;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Apache.Arrow;
using Apache.Arrow.Types;
using FlowRows.Json;
using FlowRows.Tables;

namespace FlowRows.Ndjson;

/// <summary>Rows of JSON lines: each number's bytes to a number, and the values that are passed on as they are written.</summary>
internal sealed class NdjsonRowReader<T> : RowReader<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly JsonLines lines;
    private readonly JsonRecord record;
    private readonly string[] names;
    private Task<bool>? ahead = Task.FromResult(true);

    private NdjsonRowReader(JsonLines lines, RowSource source) : base(source)
    {
        (this.lines, names) = (lines, JsonRecord.Names(lines.Line));
        record = new JsonRecord(names);
        Columns = source.Layout.Named(names);
    }

    public override RowColumns Columns { get; }

    public override IReadOnlyList<string> Names => names;

    public static async ValueTask<NdjsonRowReader<T>> OpenAsync(PipeReader body, RowSource source, CancellationToken cancellation)
    {
        var lines = new JsonLines(body, source.Limits.StreamBytes);
        return await lines.ReadAsync(cancellation) ? new(lines, source) : throw Invalid("the body is empty; send a JSON object in each line");
    }

    protected override async ValueTask FillAsync(RowBlock<T> block, int most, CancellationToken cancellation)
    {
        StringArray.Builder[] kept = [.. Columns.Kept.Select(_ => new StringArray.Builder())];
        while (block.Rows < most)
        {
            ahead ??= lines.ReadAsync(cancellation).AsTask();
            if (!ahead.IsCompleted && block.Rows > 0 && !Waits)
                break; // what has arrived is computed while the next rows are on their way
            if (!await ahead)
                break;
            ahead = null;
            Take(block, kept);
        }
        if (kept.Length > 0)
            block.Kept = Kept(kept, block.Rows);
    }

    private void Take(RowBlock<T> block, StringArray.Builder[] kept)
    {
        string? problem = record.Read(lines.Line);
        if (problem is not null)
            Refuse(block, $"row {RowsRead + block.Rows} of the body {problem} (line {lines.Number})");
        for (int i = 0; i < kept.Length; i++)
            if (problem is null && record.Kind(Columns.Kept[i]) != JsonTokenType.None)
                kept[i].Append(Encoding.UTF8.GetString(record.Value(Columns.Kept[i], lines.Line)));
            else
                kept[i].AppendNull();
        Take(Columns.Values, block.Values, problem);
        block.Context?.Categories = Source.Layout.Categories;
        Take(Columns.Context, block.Context, problem);
    }

    private static void Refuse(RowBlock<T> block, string detail)
    {
        if (block.Errors is null)
            throw new RowFault(RowFaultKind.InvalidJson, detail);
        block.Errors.Add(block.Rows, detail);
    }

    private void Take(int[] wanted, RowTable<T>? table, string? problem)
    {
        if (table is null)
            return;
        int categories = table.Categories?.Columns ?? 0;
        for (int i = 0; i < categories; i++)
            if (problem is not null)
                table.Append(T.NaN);
            else
                table.AppendCategory(i, JsonCell.Category(record.Kind(wanted[i]), record.Value(wanted[i], lines.Line)));
        foreach (int column in wanted.AsSpan(categories))
            if (problem is not null)
                table.Append(T.NaN);
            else if (record.Kind(column) == JsonTokenType.Number && TryParse(record.Value(column, lines.Line), out T value))
                table.Append(value);
            else if (record.Kind(column) is JsonTokenType.None or JsonTokenType.Null)
                table.Lack(() => NoNumber(column, table));
            else
                table.Refuse(() => NoNumber(column, table));
        table.EndRow();
    }

    private RowFault NoNumber(int column, RowTable<T> table)
    {
        string problem = record.Kind(column) switch
        {
            JsonTokenType.None => "is missing",
            JsonTokenType.Number => $"is too large for a {Unsafe.SizeOf<T>() * 8}-bit float",
            var kind => $"is {JsonWords.Describe(kind)}",
        };
        long row = table.First + table.Rows;
        return new(RowFaultKind.InvalidValue,
            $"{table.Name}: row {row}, column '{names[column].Shown()}' {problem}; each value must be a finite number (line {lines.Number})")
        { Field = table.Name, Row = row, Column = table.Column };
    }

    private KeptColumns Kept(StringArray.Builder[] kept, int rows)
    {
        var schema = new Schema(Columns.Kept.Select(column => new Field(names[column], StringType.Default, nullable: true)), null);
        var columns = new KeptColumns([.. Enumerable.Range(0, kept.Length)]) { IsJson = true };
        columns.Add(new RecordBatch(schema, kept.Select(column => column.Build()), rows));
        return columns;
    }

    private static bool TryParse(ReadOnlySpan<byte> number, out T value)
    {
        if (typeof(T) != typeof(float))
            return T.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out value) && T.IsFinite(value);
        bool read = FloatText.TryParse(number, out float single);
        value = Unsafe.BitCast<float, T>(single);
        return read;
    }
}
