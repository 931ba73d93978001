using System.Globalization;
using CsvHelper;
using CsvHelper.Configuration;
using FlowCore;

namespace FlowCli.RowFiles;

/// <summary>
/// CSV with a comma, semicolon or tab, with a decimal point or comma. The first line is a header unless each of its cells is a
/// number.
/// </summary>
internal sealed class CsvRowReader : RowReader
{
    private readonly StreamReader text;
    private readonly CsvParser parser;
    private readonly CsvNumber number;
    private bool ahead;

    public CsvRowReader(string path) : base(path)
    {
        char delimiter = CsvDialect.DelimiterOf(path);
        number = new CsvNumber(delimiter);
        text = new StreamReader(path);
        parser = new CsvParser(text, new CsvConfiguration(CultureInfo.InvariantCulture)
        {
            Delimiter = delimiter.ToString(),
            HasHeaderRecord = false,
            BadDataFound = null,
        });
        if (!parser.Read())
            throw new FlowException($"{path}: is empty");
        Width = parser.Count;
        ahead = Enumerable.Range(0, Width).All(column => CsvNumber.IsNumber(parser[column]));
        if (ahead)
            return;
        Names = [.. Enumerable.Range(0, Width).Select(column => parser[column].Trim())];
        for (int column = 0; column < Width; column++)
            if (Names[column].Length == 0)
                throw new FlowException($"{path}: line {parser.RawRow}: column {column + 1} has no name");
        if (Names.GroupBy(name => name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new FlowException($"{path}: line {parser.RawRow}: two columns are named '{twice.Key}'");
    }

    public override int Width { get; }

    public override string[]? Names { get; }

    public override string Place => $"line {Position}";

    public override long Position => parser.RawRow;

    public override int Read(Span<double> values)
    {
        int rows = 0;
        for (; rows * Width < values.Length && (ahead || parser.Read()); rows++)
        {
            ahead = false;
            if (parser.Count != Width)
                throw new FlowException($"{Path}: {Place}: has {parser.Count} cells, the first line has {Width}");
            for (int column = 0; column < Width; column++)
            {
                int at = column;
                values[rows * Width + column] = number.Parse(parser[column], () => $"{Path}: {Place}, {NameOf(at)}");
            }
        }
        return rows;
    }

    public override void Dispose()
    {
        parser.Dispose();
        text.Dispose();
    }
}
