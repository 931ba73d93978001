namespace FlowCore.Training;

/// <summary>What one column of a table is like. <see cref="Step"/> is the distance between the neighbouring values of a column of
/// counts or of coarse decimals, 0 for a continuous one.</summary>
public sealed record ColumnFacts(double Mean, double Deviation, double Least, double Largest, double Step)
{
    /// <summary>Whether nothing but rounding in float64 tells its values apart.</summary>
    public bool IsConstant => Largest - Least <= 16 * (Math.BitIncrement(Extent) - Extent);

    /// <summary>Whether its values may differ where they come from, but are integers so large that float64 does not tell all of them apart.</summary>
    public bool IsTooLarge => IsConstant && Extent >= 1L << 53;

    /// <summary>Whether the column holds counts.</summary>
    public bool IsInteger => Step > 0 && Step == Math.Floor(Step) && Least == Math.Floor(Least);

    /// <summary>The largest absolute value.</summary>
    public double Extent => Math.Max(Math.Abs(Least), Math.Abs(Largest));

    /// <summary>The distance of neighbouring float32 values where the column's values lie.</summary>
    public double Float32Step => MathF.BitIncrement((float)Extent) - (double)(float)Extent;

    /// <summary>The facts of every column, in order.</summary>
    public static ColumnFacts[] Of(Table table) => [.. Enumerable.Range(0, table.Width).Select(column => Of(table, column))];

    /// <summary>The share of rows that repeat an earlier row exactly.</summary>
    public static double DuplicateShare(Table table)
    {
        var seen = new HashSet<RowKey>();
        int repeats = 0;
        for (int row = 0; row < table.Rows; row++)
            if (!seen.Add(new(table, row)))
                repeats++;
        return table.Rows == 0 ? 0 : (double)repeats / table.Rows;
    }

    private static ColumnFacts Of(Table table, int column)
    {
        if (table.Rows == 0)
            return new(0, 0, 0, 0, 0);
        double mean = 0, squares = 0, least = double.PositiveInfinity, largest = double.NegativeInfinity;
        for (int row = 0; row < table.Rows; row++)
        {
            double value = table.Values[row * table.Width + column];
            // Welford's update: no cancellation for values far from 0.
            double before = value - mean;
            mean += before / (row + 1);
            squares += before * (value - mean);
            (least, largest) = (Math.Min(least, value), Math.Max(largest, value));
        }
        return new(mean, Math.Sqrt(squares / table.Rows), least, largest, ValueSteps.Of(table, column, least, largest));
    }

    private readonly struct RowKey(Table table, int row) : IEquatable<RowKey>
    {
        private ReadOnlySpan<double> Values => table.Row(row);

        public bool Equals(RowKey other) => Values.SequenceEqual(other.Values);

        public override bool Equals(object? obj) => obj is RowKey other && Equals(other);

        public override int GetHashCode()
        {
            var hash = new HashCode();
            foreach (double value in Values)
                hash.Add(value);
            return hash.ToHashCode();
        }
    }
}
