namespace FlowCore.Training;

/// <summary>Data to train on: flat rows, row-major, and the names of their columns where they have names.</summary>
public sealed class Table
{
    public Table(double[] values, int width, string[]? names = null)
    {
        if (width < 1 || values.Length % width != 0)
            throw new RowException($"{values.Length} values are not whole rows of {width} values");
        if (names is not null && names.Length != width)
            throw new RowException($"{names.Length} names do not fit {width} columns");
        (Values, Width, Names) = (values, width, names);
    }

    public double[] Values { get; }

    public int Width { get; }

    public string[]? Names { get; }

    public int Rows => Values.Length / Width;

    public ReadOnlySpan<double> Row(int row) => Values.AsSpan(row * Width, Width);

    /// <summary>What to call a column in a message.</summary>
    public string NameOf(int column) => Names is null ? $"column {column + 1}" : $"column '{Names[column]}'";

    /// <summary>The rows of these indices, in their order.</summary>
    public Table Take(ReadOnlySpan<int> rows)
    {
        var taken = new double[rows.Length * Width];
        for (int i = 0; i < rows.Length; i++)
            Row(rows[i]).CopyTo(taken.AsSpan(i * Width));
        return new Table(taken, Width, Names);
    }
}
