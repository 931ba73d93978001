using FlowCore.Training;

namespace FlowBenchmarks.Anomaly;

/// <summary>Minus the distance to the fifth nearest training row, in units of the columns' spread (Ramaswamy, Rastogi, Shim 2000).</summary>
internal static class Neighbours
{
    private const int Nearest = 5;

    public static double[] Score(Table train, Table rows)
    {
        var scores = new double[rows.Rows];
        Parallel.For(0, rows.Rows, row =>
        {
            Span<double> least = stackalloc double[Nearest];
            least.Fill(double.PositiveInfinity);
            ReadOnlySpan<double> at = rows.Row(row);
            for (int other = 0; other < train.Rows; other++)
            {
                ReadOnlySpan<double> from = train.Row(other);
                double square = 0;
                for (int i = 0; i < at.Length && square < least[^1]; i++)
                    square += (at[i] - from[i]) * (at[i] - from[i]);
                for (int i = Nearest - 1; i >= 0 && square < least[i]; i--)
                {
                    if (i + 1 < Nearest)
                        least[i + 1] = least[i];
                    least[i] = square;
                }
            }
            scores[row] = -Math.Sqrt(least[^1]);
        });
        return scores;
    }
}
