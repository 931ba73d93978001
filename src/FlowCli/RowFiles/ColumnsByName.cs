using FlowCore;

namespace FlowCli.RowFiles;

/// <summary>
/// The columns that a model wants, picked by name in any order; a file without names must have just as many columns. Others are an
/// error that names them, unless they are to be ignored.
/// </summary>
internal sealed class ColumnsByName : RowReader
{
    private readonly RowReader rows;
    private readonly int[]? columns;
    private double[] wide = [];

    /// <param name="rows">The file; disposed with this.</param>
    /// <param name="wanted">The names in the model's order; null where the model has none.</param>
    /// <param name="width">How many values the model wants.</param>
    /// <param name="ignoreExtra">Whether other columns are passed over.</param>
    public ColumnsByName(RowReader rows, string[]? wanted, int width, bool ignoreExtra) : base(rows.Path)
    {
        this.rows = rows;
        Width = width;
        Names = wanted;
        if (wanted is null || rows.Names is null)
        {
            if (rows.Width != width)
                throw new FlowException($"{Path}: has {rows.Width} values a row, the model takes {width}");
            return;
        }
        string[] missing = [.. wanted.Except(rows.Names, StringComparer.Ordinal)];
        if (missing.Length > 0)
            throw new FlowException($"{Path}: has no {Listed(missing)}, which the model takes");
        string[] extra = [.. rows.Names.Except(wanted, StringComparer.Ordinal)];
        if (extra.Length > 0 && !ignoreExtra)
            throw new FlowException($"{Path}: the model does not know {Listed(extra)}; --ignore-extra passes over such columns");
        columns = [.. wanted.Select(name => Array.IndexOf(rows.Names, name))];
    }

    public override int Width { get; }

    public override string[]? Names { get; }

    public override string Place => rows.Place;

    public override long Position => rows.Position;

    public override int Read(Span<double> values)
    {
        if (columns is null)
            return rows.Read(values);
        int most = values.Length / Width;
        if (wide.Length != most * rows.Width)
            wide = new double[most * rows.Width];
        int count = rows.Read(wide);
        for (int row = 0; row < count; row++)
            for (int column = 0; column < Width; column++)
                values[row * Width + column] = wide[row * rows.Width + columns[column]];
        return count;
    }

    public override void Dispose() => rows.Dispose();

    private static string Listed(string[] names) =>
        $"column{(names.Length > 1 ? "s" : "")} {string.Join(", ", names.Take(5).Select(name => $"'{name}'"))}{(names.Length > 5 ? $" and {names.Length - 5} more" : "")}";
}
