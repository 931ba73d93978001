namespace FlowCore.Engines.Compiled;

/// <summary>Square matrices in float64.</summary>
internal static class SquareMatrix
{
    public static double[,] Product(double[,] a, double[,] b)
    {
        int n = a.GetLength(0);
        var product = new double[n, n];
        for (int i = 0; i < n; i++)
            for (int k = 0; k < n; k++)
                if (a[i, k] is var factor and not 0)
                    for (int j = 0; j < n; j++)
                        product[i, j] += factor * b[k, j];
        return product;
    }

    public static double[] Product(double[,] a, double[] vector)
    {
        var product = new double[vector.Length];
        for (int i = 0; i < vector.Length; i++)
            for (int j = 0; j < vector.Length; j++)
                product[i] += a[i, j] * vector[j];
        return product;
    }

    public static double[,] Transposed(double[,] a)
    {
        int n = a.GetLength(0);
        var turned = new double[n, n];
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++)
                turned[j, i] = a[i, j];
        return turned;
    }

    /// <summary>e^A by squaring e^(A / 2^s), which its series gives.</summary>
    public static double[,] Exponential(double[,] a)
    {
        int n = a.GetLength(0), squarings = 10;
        double[,] small = (double[,])a.Clone(), sum = new double[n, n], term = new double[n, n];
        for (int i = 0; i < n; i++)
            sum[i, i] = term[i, i] = 1;
        for (double size = a.Cast<double>().Sum(Math.Abs); size > 512; size /= 2)
            squarings++;
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++)
                small[i, j] /= 1L << squarings;
        for (int k = 1; k <= 12; k++)
        {
            term = Product(term, small);
            for (int i = 0; i < n; i++)
                for (int j = 0; j < n; j++)
                    sum[i, j] += term[i, j] /= k;
        }
        for (; squarings > 0; squarings--)
            sum = Product(sum, sum);
        return sum;
    }

    public static double[,] Inverse(double[,] a) => Eliminate(a).Inverse;

    public static double LogAbsDet(double[,] a) => Eliminate(a).LogAbsDet;

    /// <summary>Gauss-Jordan with the largest pivot of each column.</summary>
    private static (double[,] Inverse, double LogAbsDet) Eliminate(double[,] a)
    {
        int n = a.GetLength(0);
        double[,] left = (double[,])a.Clone(), right = new double[n, n];
        double logAbsDet = 0;
        for (int i = 0; i < n; i++)
            right[i, i] = 1;
        for (int column = 0; column < n; column++)
        {
            int pivot = column;
            for (int row = column + 1; row < n; row++)
                if (Math.Abs(left[row, column]) > Math.Abs(left[pivot, column]))
                    pivot = row;
            if (left[pivot, column] == 0)
                throw new CheckpointException("a matrix of the flow is singular: its weights are not usable");
            for (int j = 0; j < n; j++)
            {
                (left[column, j], left[pivot, j]) = (left[pivot, j], left[column, j]);
                (right[column, j], right[pivot, j]) = (right[pivot, j], right[column, j]);
            }
            double scale = left[column, column];
            logAbsDet += Math.Log(Math.Abs(scale));
            for (int j = 0; j < n; j++)
                (left[column, j], right[column, j]) = (left[column, j] / scale, right[column, j] / scale);
            for (int row = 0; row < n; row++)
                if (row != column && left[row, column] is var factor and not 0)
                    for (int j = 0; j < n; j++)
                    {
                        left[row, j] -= factor * left[column, j];
                        right[row, j] -= factor * right[column, j];
                    }
        }
        return (right, logAbsDet);
    }
}
