using System.Runtime.Intrinsics;
using FlowCore.Engines.Compiled.Kernels;

namespace FlowCore.Engines.Compiled;

/// <summary>
/// z = M (x - before) + after in float64, M being diagonal where <see cref="Matrix"/> is null. The subtraction stays in front: in
/// float32, data that lie far from 0 would otherwise lose their digits.
/// </summary>
internal sealed class AffineMap
{
    private AffineMap(double[] before, double[]? diagonal, double[,]? matrix, double[] after) =>
        (Before, Diagonal, Matrix, After) = (before, diagonal, matrix, after);

    public double[] Before { get; }

    public double[]? Diagonal { get; }

    public double[,]? Matrix { get; }

    public double[] After { get; }

    public int Size => Before.Length;

    /// <summary>z = scale (x - before) + after, feature by feature; null stands for zeros.</summary>
    public static AffineMap Scaled(double[]? before, double[] scale, double[]? after) =>
        new(before ?? new double[scale.Length], scale, null, after ?? new double[scale.Length]);

    /// <summary>z = M x + after.</summary>
    public static AffineMap Linear(double[,] matrix, double[]? after = null) =>
        new(new double[matrix.GetLength(0)], null, matrix, after ?? new double[matrix.GetLength(0)]);

    /// <summary>ln(1 + e^x).</summary>
    public static double Softplus(double x) => VectorMath.Softplus(Vector512.Create(x))[0];

    /// <summary>x from z.</summary>
    public AffineMap Inverse() => Matrix is null
        ? new(After, [.. Diagonal!.Select(scale => 1 / scale)], null, Before)
        : new(After, null, SquareMatrix.Inverse(Matrix), Before);

    /// <summary>First this one, then the next: M2 (M1 (x - b1) + a1 - b2) + a2.</summary>
    public AffineMap Then(AffineMap next)
    {
        double[] between = [.. After.Zip(next.Before, (after, before) => after - before)];
        if (Matrix is null && next.Matrix is null)
            return new(Before, [.. Diagonal!.Zip(next.Diagonal!, (a, b) => a * b)], null,
                [.. between.Select((value, i) => value * next.Diagonal![i] + next.After[i])]);
        double[,] second = next.Dense();
        return new(Before, null, SquareMatrix.Product(second, Dense()),
            [.. SquareMatrix.Product(second, between).Zip(next.After, (value, after) => value + after)]);
    }

    public double[,] Dense()
    {
        if (Matrix is not null)
            return Matrix;
        var dense = new double[Size, Size];
        for (int i = 0; i < Size; i++)
            dense[i, i] = Diagonal![i];
        return dense;
    }
}

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
