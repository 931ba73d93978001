namespace FlowCore.Training;

/// <summary>
/// Data to train on: flat rows, row-major, the names of their columns where they have names, and what each row is conditioned on,
/// as a request would send it, where the flow is a conditional one.
/// </summary>
public sealed class Table
{
    public Table(double[] values, int width, string[]? names = null, Table? context = null)
    {
        if (width < 1 || values.Length % width != 0)
            throw new RowException($"{values.Length} values are not whole rows of {width} values");
        if (names is not null && names.Length != width)
            throw new RowException($"{names.Length} names do not fit {width} columns");
        if (context is not null && context.Rows * width != values.Length)
            throw new RowException($"{context.Rows} contexts do not fit {values.Length / width} rows");
        (Values, Width, Names, Context) = (values, width, names, context);
    }

    public double[] Values { get; }

    public int Width { get; }

    public string[]? Names { get; }

    /// <summary>One row for each row: floats, or a class; null where nothing is conditioned on.</summary>
    public Table? Context { get; }

    public int Rows => Values.Length / Width;

    public ReadOnlySpan<double> Row(int row) => Values.AsSpan(row * Width, Width);

    /// <summary>What to call a column in a message.</summary>
    public string NameOf(int column) => Names is null ? $"column {column + 1}" : $"column '{Names[column]}'";

    /// <summary>The rows of two tables with the same columns, one after the other.</summary>
    public static Table Joined(Table first, Table second) => new(
        [.. first.Values, .. second.Values], first.Width, first.Names, first.Context is null ? null : Joined(first.Context, second.Context!));

    /// <summary>The rows of these indices, in their order.</summary>
    public Table Take(ReadOnlySpan<int> rows)
    {
        var taken = new double[rows.Length * Width];
        for (int i = 0; i < rows.Length; i++)
            Row(rows[i]).CopyTo(taken.AsSpan(i * Width));
        return new Table(taken, Width, Names, Context?.Take(rows));
    }
}
