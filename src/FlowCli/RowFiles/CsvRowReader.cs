using CsvHelper;
using FlowCore;

namespace FlowCli.RowFiles;

/// <summary>
/// CSV with a comma, semicolon or tab, with a decimal point or comma. The first line is a header unless each of its cells is a
/// number.
/// </summary>
internal sealed class CsvRowReader : RowReader
{
    private readonly CsvReader csv;
    private readonly CsvNumber number;
    private bool ahead;

    public CsvRowReader(string path) : base(path)
    {
        char delimiter = CsvDialect.DelimiterOf(path);
        number = new CsvNumber(delimiter);
        csv = CsvReader.FromFile(path, new CsvReaderOptions { Separator = delimiter, HasHeader = false, TrackLineNumbers = true });
        if (!csv.Read())
            throw new FlowException($"{path}: is empty");
        Width = csv.FieldCount;
        ahead = Enumerable.Range(0, Width).All(column => CsvNumber.IsNumber(csv.GetString(column)));
        if (ahead)
            return;
        Names = [.. Enumerable.Range(0, Width).Select(column => csv.GetString(column).Trim())];
        for (int column = 0; column < Width; column++)
            if (Names[column].Length == 0)
                throw new FlowException($"{path}: line {csv.LineNumber}: column {column + 1} has no name");
        if (Names.GroupBy(name => name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new FlowException($"{path}: line {csv.LineNumber}: two columns are named '{twice.Key}'");
    }

    public override int Width { get; }

    public override string[]? Names { get; }

    public override string Place => $"line {Position}";

    public override long Position => csv.LineNumber;

    public override int Read(Span<double> values)
    {
        int rows = 0;
        for (; rows * Width < values.Length && (ahead || csv.Read()); rows++)
        {
            ahead = false;
            if (csv.FieldCount != Width)
                throw new FlowException($"{Path}: {Place}: has {csv.FieldCount} cells, the first line has {Width}");
            for (int column = 0; column < Width; column++)
            {
                int at = column;
                values[rows * Width + column] = number.Parse(csv.GetString(column), () => $"{Path}: {Place}, {NameOf(at)}");
            }
        }
        return rows;
    }

    public override void Dispose() => csv.Dispose();
}
