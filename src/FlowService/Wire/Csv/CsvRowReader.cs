using System.Globalization;
using System.Text;
using Apache.Arrow;
using Apache.Arrow.Types;
using CsvHelper;
using FlowService.Errors;

namespace FlowService.Wire.Csv;

/// <summary>Rows of CSV: each cell's bytes to a number, without a string between them.</summary>
internal sealed class CsvRowReader : RowReader
{
    private const int MostDigits = 128;

    private readonly CsvReader csv;
    private readonly RowColumns columns;
    private readonly string[] names;
    private Task<bool>? ahead;

    private CsvRowReader(CsvReader csv, RowSource source, bool hasHeader) : base(source)
    {
        this.csv = csv;
        string[] cells = [.. Enumerable.Range(0, csv.FieldCount).Select(csv.GetString)];
        columns = hasHeader ? source.Layout.Named(cells) : source.Layout.Unnamed(cells.Length);
        names = hasHeader ? cells : [.. source.Layout.Values, .. source.Layout.Context];
        ahead = hasHeader ? null : Task.FromResult(true);
    }

    /// <summary>Reads the first record. It is a header unless every cell is a number, or the client says which.</summary>
    public static async ValueTask<CsvRowReader> OpenAsync(CsvReader csv, bool? hasHeader, RowSource source, CancellationToken cancellation)
    {
        try
        {
            if (!await csv.ReadAsync(cancellation))
                throw Invalid("the body is empty; send rows, under a line with the columns' names");
            return new CsvRowReader(csv, source, hasHeader ?? Enumerable.Range(0, csv.FieldCount).Any(i => !TryParse(csv.GetSpan(i), csv.Separator, out _)));
        }
        catch (CsvFormatException e)
        {
            throw Invalid($"the body is no CSV: {e.Message}");
        }
    }

    protected override async ValueTask FillAsync(RowBlock block, int most, CancellationToken cancellation)
    {
        StringArray.Builder[] kept = [.. columns.Kept.Select(_ => new StringArray.Builder())];
        try
        {
            while (block.Rows < most)
            {
                ahead ??= csv.ReadAsync(cancellation).AsTask();
                if (!ahead.IsCompleted && block.Rows > 0 && !Waits)
                    break; // what has arrived is computed while the next rows are on their way
                if (!await ahead)
                    break;
                ahead = null;
                Take(block, kept);
            }
        }
        catch (CsvFormatException e)
        {
            throw Invalid($"row {RowsRead + block.Rows} of the body is no CSV: {e.Message}");
        }
        if (kept.Length > 0)
            block.Kept = Kept(kept, block.Rows);
    }

    public override async ValueTask DisposeAsync()
    {
        await csv.DisposeAsync();
        await base.DisposeAsync();
    }

    private void Take(RowBlock block, StringArray.Builder[] kept)
    {
        if (block.Values is { } values)
        {
            foreach (int column in columns.Values)
                values.Append(Number(column, values));
            values.EndRow();
        }
        if (block.Context is { } context)
        {
            foreach (int column in columns.Context)
                context.Append(Number(column, context));
            context.EndRow();
        }
        for (int i = 0; i < kept.Length; i++)
            kept[i].Append(csv.GetSpan(columns.Kept[i]));
    }

    private float Number(int column, RowTable table)
    {
        ReadOnlySpan<byte> cell = csv.GetSpan(column);
        if (TryParse(cell, csv.Separator, out float value) && float.IsFinite(value))
            return value;
        long row = table.First + table.Rows;
        string problem = cell.IsEmpty ? "is empty" : $"is '{Encoding.UTF8.GetString(cell).Shown()}'";
        throw new RequestException(ProblemKind.InvalidValue, $"{table.Field.Name()}: row {row}, column '{names[column].Shown()}' {problem}; each value must be a finite number")
        { Field = table.Field.Name(), Row = row, Column = table.Column };
    }

    private KeptColumns Kept(StringArray.Builder[] kept, int rows)
    {
        var schema = new Schema(columns.Kept.Select(column => new Field(names[column], StringType.Default, nullable: false)), null);
        return new(new RecordBatch(schema, kept.Select(column => column.Build()), rows), [.. Enumerable.Range(0, kept.Length)]);
    }

    /// <summary>A number; where the comma does not part the cells it may be the decimal sign.</summary>
    private static bool TryParse(ReadOnlySpan<byte> cell, char separator, out float value)
    {
        if (separator == ',' || cell.Length > MostDigits || cell.IndexOf((byte)',') is not (>= 0 and var comma))
            return float.TryParse(cell, NumberStyles.Float, CultureInfo.InvariantCulture, out value);
        Span<byte> pointed = stackalloc byte[cell.Length];
        cell.CopyTo(pointed);
        pointed[comma] = (byte)'.';
        return float.TryParse(pointed, NumberStyles.Float, CultureInfo.InvariantCulture, out value);
    }
}
