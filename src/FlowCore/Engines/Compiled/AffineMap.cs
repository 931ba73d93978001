using FlowCore.Engines.Compiled.Formulas;

namespace FlowCore.Engines.Compiled;

/// <summary>
/// z = M (x - before) + after in float64, M being diagonal where <see cref="Matrix"/> is null. The subtraction stays in front: in
/// float32, data that lie far from 0 would otherwise lose their digits.
/// </summary>
internal sealed class AffineMap
{
    private AffineMap(Formula before, Formula? diagonal, Formula? matrix, Formula after) =>
        (Before, Diagonal, Matrix, After) = (before, diagonal, matrix, after);

    public Formula Before { get; }

    public Formula? Diagonal { get; }

    /// <summary>Row by row.</summary>
    public Formula? Matrix { get; }

    public Formula After { get; }

    public int Size => Before.Count;

    /// <summary>Whether parameters stand behind it: it is then computed anew at each step of a training, and never multiplied into another one.</summary>
    public bool Learns => Before.Learns || After.Learns || (Diagonal ?? Matrix)!.Learns;

    /// <summary>z = scale (x - before) + after, feature by feature; null stands for zeros.</summary>
    public static AffineMap Scaled(Formula? before, Formula scale, Formula? after) =>
        new(before ?? Formula.Repeated(0, scale.Count), scale, null, after ?? Formula.Repeated(0, scale.Count));

    /// <summary>z = M x + after.</summary>
    public static AffineMap Linear(Formula matrix, Formula? after = null) =>
        new(Formula.Repeated(0, matrix.Side), null, matrix, after ?? Formula.Repeated(0, matrix.Side));

    /// <summary>x from z.</summary>
    public AffineMap Inverse() => Matrix is null
        ? new(After, Diagonal!.Reciprocal(), null, Before)
        : new(After, null, Matrix.Inverse(), Before);

    /// <summary>First this one, then the next: M2 (M1 (x - b1) + a1 - b2) + a2.</summary>
    public AffineMap Then(AffineMap next)
    {
        Formula between = After - next.Before;
        return Matrix is null && next.Matrix is null
            ? new(Before, Diagonal! * next.Diagonal!, null, between * next.Diagonal! + next.After)
            : new(Before, null, Formula.Product(next.Dense(), Dense()), Formula.Product(next.Dense(), between) + next.After);
    }

    /// <summary>Whether it changes nothing, as the standardisation of rows that are standardised already.</summary>
    public bool IsIdentity => !Learns && Diagonal is { } scale
        && Array.TrueForAll(scale.Values, value => value == 1) && Array.TrueForAll(Before.Values, value => value == 0) && Array.TrueForAll(After.Values, value => value == 0);

    /// <summary>The order that it brings the values into, where it does nothing else: z[i] = x[order[i]].</summary>
    public int[]? Order()
    {
        if (Learns || Matrix is null || Before.Values.Concat(After.Values).Any(value => value != 0))
            return null;
        var order = new int[Size];
        var taken = new bool[Size];
        for (int row = 0; row < Size; row++)
        {
            ReadOnlySpan<double> line = Matrix.Values.AsSpan(row * Size, Size);
            int at = line.IndexOf(1.0);
            if (at < 0 || taken[at] || line[..at].ContainsAnyExcept(0.0) || line[(at + 1)..].ContainsAnyExcept(0.0))
                return null;
            (order[row], taken[at]) = (at, true);
        }
        return order;
    }

    private Formula Dense() => Matrix ?? Diagonal!.Diagonal();
}
