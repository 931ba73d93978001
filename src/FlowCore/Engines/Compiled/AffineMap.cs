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
