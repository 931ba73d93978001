namespace FlowCore.Training;

/// <summary>The grid on which the values of a column lie: integers, or multiples of a power of ten that are coarse for so many rows.</summary>
public static class ValueSteps
{
    // Beyond this, float32 has no room for a value between two neighbouring integers.
    private const double LargestInteger = 1 << 22;

    private const int MostDecimals = 6;

    /// <summary>
    /// The distance of neighbouring values, 0 for a continuous column. Integers always count as a grid. Every number that is written down is a
    /// multiple of some power of ten; decimals count where there are more rows than places on the grid, so that its gaps show.
    /// </summary>
    public static double Of(Table table, int column, double least, double largest)
    {
        for (int decimals = 0; decimals <= MostDecimals; decimals++)
        {
            double unit = Math.Pow(10, decimals);
            if (Math.Max(Math.Abs(least), Math.Abs(largest)) * unit > LargestInteger)
                return 0;
            if (Common(table, column, unit) is not { } step)
                continue;
            return decimals == 0 || (largest - least) * unit <= (double)step * table.Rows ? step / unit : 0;
        }
        return 0;
    }

    /// <summary>The steps that training spreads values over: those of counts, and of coarse decimals where these are meant too.</summary>
    public static double[] ToSpread(ColumnFacts[] facts, bool decimals) =>
        [.. facts.Select(column => decimals || column.IsInteger ? column.Step : 0)];

    /// <summary>The greatest common divisor of the distances between values in this unit; null where one is not a multiple of it.</summary>
    private static long? Common(Table table, int column, double unit)
    {
        long common = 0, first = 0;
        for (int row = 0; row < table.Rows; row++)
        {
            double value = table.Values[row * table.Width + column];
            long multiple = (long)Math.Round(value * unit);
            // As it is written in decimals, in float64 or in float32.
            if (value != multiple / unit && (float)value != (float)(multiple / unit))
                return null;
            if (row == 0)
                first = multiple;
            common = GreatestCommonDivisor(Math.Abs(multiple - first), common);
        }
        return common;
    }

    private static long GreatestCommonDivisor(long a, long b)
    {
        while (b != 0)
            (a, b) = (b, a % b);
        return a;
    }
}
