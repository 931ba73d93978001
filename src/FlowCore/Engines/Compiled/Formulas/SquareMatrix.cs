using FlowCore.Training;

namespace FlowCore.Engines.Compiled.Formulas;

/// <summary>Square matrices in float64, row by row.</summary>
internal static class SquareMatrix
{
    /// <summary>A [n, n] times B [n, columns].</summary>
    public static void Product(double[] a, double[] b, int n, int columns, double[] product)
    {
        Array.Clear(product);
        for (int i = 0; i < n; i++)
            for (int k = 0; k < n; k++)
                if (a[i * n + k] is var factor and not 0)
                    Sums.Add(b.AsSpan(k * columns, columns), factor, product.AsSpan(i * columns, columns));
    }

    public static double[] Transposed(double[] a, int n)
    {
        var turned = new double[a.Length];
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++)
                turned[j * n + i] = a[i * n + j];
        return turned;
    }

    /// <summary>e^A by squaring e^(A / 2^s), which its series gives.</summary>
    public static double[] Exponential(double[] a, int n)
    {
        int squarings = 10;
        double[] small = (double[])a.Clone(), sum = new double[a.Length], term = new double[a.Length], next = new double[a.Length];
        for (int i = 0; i < n; i++)
            sum[i * n + i] = term[i * n + i] = 1;
        for (double size = a.Sum(Math.Abs); size > 512; size /= 2)
            squarings++;
        for (int i = 0; i < small.Length; i++)
            small[i] /= 1L << squarings;
        for (int k = 1; k <= 12; k++)
        {
            Product(term, small, n, n, next);
            (term, next) = (next, term);
            for (int i = 0; i < sum.Length; i++)
                sum[i] += term[i] /= k;
        }
        for (; squarings > 0; squarings--)
        {
            Product(sum, sum, n, n, next);
            (sum, next) = (next, sum);
        }
        return sum;
    }

    public static double[] Inverse(double[] a, int n) => Eliminate(a, n).Inverse;

    public static double LogAbsDet(double[] a, int n) => Eliminate(a, n).LogAbsDet;

    /// <summary>Gauss-Jordan with the largest pivot of each column.</summary>
    private static (double[] Inverse, double LogAbsDet) Eliminate(double[] a, int n)
    {
        double[] left = (double[])a.Clone(), right = new double[a.Length];
        double logAbsDet = 0;
        for (int i = 0; i < n; i++)
            right[i * n + i] = 1;
        for (int column = 0; column < n; column++)
        {
            int pivot = column;
            for (int row = column + 1; row < n; row++)
                if (Math.Abs(left[row * n + column]) > Math.Abs(left[pivot * n + column]))
                    pivot = row;
            if (left[pivot * n + column] == 0)
                throw new CheckpointException("a matrix of the flow is singular: its weights are not usable");
            for (int j = 0; j < n && pivot != column; j++)
            {
                (left[column * n + j], left[pivot * n + j]) = (left[pivot * n + j], left[column * n + j]);
                (right[column * n + j], right[pivot * n + j]) = (right[pivot * n + j], right[column * n + j]);
            }
            double scale = left[column * n + column];
            logAbsDet += Math.Log(Math.Abs(scale));
            for (int j = 0; j < n; j++)
                (left[column * n + j], right[column * n + j]) = (left[column * n + j] / scale, right[column * n + j] / scale);
            // Of triangular matrices most of either line is zeros.
            Range inLeft = Filled(left.AsSpan(column * n, n)), inRight = Filled(right.AsSpan(column * n, n));
            for (int row = 0; row < n; row++)
                if (row != column && left[row * n + column] is var factor and not 0)
                {
                    Sums.Add(left.AsSpan(column * n, n)[inLeft], -factor, left.AsSpan(row * n, n)[inLeft]);
                    Sums.Add(right.AsSpan(column * n, n)[inRight], -factor, right.AsSpan(row * n, n)[inRight]);
                }
        }
        return (right, logAbsDet);
    }

    /// <summary>From the first value that is not 0 to the last.</summary>
    private static Range Filled(ReadOnlySpan<double> line) => Math.Max(0, line.IndexOfAnyExcept(0))..(line.LastIndexOfAnyExcept(0) + 1);
}
