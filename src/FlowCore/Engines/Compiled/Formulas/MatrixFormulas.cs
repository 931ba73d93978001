namespace FlowCore.Engines.Compiled.Formulas;

/// <summary>Formulas of square matrices, row by row.</summary>
internal sealed partial class Formula
{
    /// <summary>The side of a square matrix.</summary>
    public int Side => (int)Math.Round(Math.Sqrt(Count));

    public Formula Transposed()
    {
        int n = Side;
        return Pick([.. Enumerable.Range(0, n * n).Select(i => i % n * n + i / n)]);
    }

    /// <summary>The unit lower triangle of a matrix.</summary>
    public Formula UnitLower()
    {
        int n = Side;
        return Joined(this, Fixed(1)).Pick([.. Enumerable.Range(0, n * n).Select(i => i / n > i % n ? i : i / n == i % n ? n * n : -1)]);
    }

    /// <summary>The upper triangle of a matrix, with another diagonal.</summary>
    public Formula UpperWith(Formula diagonal)
    {
        int n = Side;
        return Joined(this, diagonal).Pick([.. Enumerable.Range(0, n * n).Select(i => i / n < i % n ? i : i / n == i % n ? n * n + i / n : -1)]);
    }

    /// <summary>A matrix with these numbers on its diagonal.</summary>
    public Formula Diagonal() => Pick([.. Enumerable.Range(0, Count * Count).Select(i => i / Count == i % Count ? i / Count : -1)]);

    /// <summary>A B, or A v.</summary>
    public static Formula Product(Formula a, Formula b)
    {
        int n = a.Side, columns = b.Count / n;
        return Of(b.Count, [a, b],
            values => SquareMatrix.Product(a.Values, b.Values, n, columns, values),
            adjoint =>
            {
                for (int i = 0; i < n; i++)
                    for (int k = 0; k < n; k++)
                    {
                        double factor = a.Values[i * n + k], sum = 0;
                        for (int j = 0; j < columns; j++)
                        {
                            sum += adjoint[i * columns + j] * b.Values[k * columns + j];
                            if (b.Learns)
                                b.Gradient[k * columns + j] += factor * adjoint[i * columns + j];
                        }
                        if (a.Learns)
                            a.Gradient[i * n + k] += sum;
                    }
            });
    }

    /// <summary>The inverse matrix.</summary>
    /// <exception cref="CheckpointException">There is none.</exception>
    public Formula Inverse()
    {
        int n = Side;
        Formula inverse = null!;
        return inverse = Of(Count, [this],
            values => SquareMatrix.Inverse(Values, n).CopyTo(values, 0),
            adjoint =>
            {
                // -Y^T G Y^T
                double[] turned = SquareMatrix.Transposed(inverse.Values, n), half = new double[n * n], whole = new double[n * n];
                SquareMatrix.Product(turned, adjoint, n, n, half);
                SquareMatrix.Product(half, turned, n, n, whole);
                for (int i = 0; i < whole.Length; i++)
                    Gradient[i] -= whole[i];
            });
    }

    /// <summary>ln|det A|.</summary>
    public Formula LogAbsDet()
    {
        int n = Side;
        return Of(1, [this],
            values => values[0] = SquareMatrix.LogAbsDet(Values, n),
            adjoint =>
            {
                double[] inverse = SquareMatrix.Inverse(Values, n);
                for (int i = 0; i < n; i++)
                    for (int j = 0; j < n; j++)
                        Gradient[i * n + j] += adjoint[0] * inverse[j * n + i];
            });
    }

    /// <summary>e^A. The way back is the derivative of e^(A^T) in the direction of the adjoint (Higham 2008, "Functions of Matrices", 10.6).</summary>
    public Formula MatrixExponential()
    {
        int n = Side;
        return Of(Count, [this],
            values => SquareMatrix.Exponential(Values, n).CopyTo(values, 0),
            adjoint =>
            {
                // The upper right block of e^[[A^T, G], [0, A^T]].
                var block = new double[4 * n * n];
                for (int i = 0; i < n; i++)
                    for (int j = 0; j < n; j++)
                    {
                        block[i * 2 * n + j] = block[(n + i) * 2 * n + n + j] = Values[j * n + i];
                        block[i * 2 * n + n + j] = adjoint[i * n + j];
                    }
                double[] exponential = SquareMatrix.Exponential(block, 2 * n);
                for (int i = 0; i < n; i++)
                    for (int j = 0; j < n; j++)
                        Gradient[i * n + j] += exponential[i * 2 * n + n + j];
            });
    }

    /// <summary>A matrix whose columns are reflected, A - 2 v (v^T A) / |v|^2.</summary>
    public Formula Reflected(Formula v)
    {
        int n = v.Count;
        // v^T A
        double[] Along(double[] matrix)
        {
            var along = new double[n];
            for (int i = 0; i < n; i++)
                for (int j = 0; j < n; j++)
                    along[j] += v.Values[i] * matrix[i * n + j];
            return along;
        }
        double Square() => v.Values.Sum(value => value * value);
        return Of(n * n, [this, v],
            values =>
            {
                double[] along = Along(Values);
                double factor = 2 / Square();
                for (int i = 0; i < values.Length; i++)
                    values[i] = Values[i] - factor * v.Values[i / n] * along[i % n];
            },
            adjoint =>
            {
                double[] along = Along(Values), adjointAlong = Along(adjoint);
                double factor = 2 / Square(), both = 0;
                for (int j = 0; j < n; j++)
                    both += along[j] * adjointAlong[j];
                for (int i = 0; i < n; i++)
                    for (int j = 0; j < n; j++)
                    {
                        if (Learns)
                            Gradient[i * n + j] += adjoint[i * n + j] - factor * v.Values[i] * adjointAlong[j];
                        if (v.Learns)
                            v.Gradient[i] -= factor * (adjoint[i * n + j] * along[j] + Values[i * n + j] * adjointAlong[j]);
                    }
                for (int i = 0; v.Learns && i < n; i++)
                    v.Gradient[i] += factor * factor * both * v.Values[i];
            });
    }

    /// <summary>w = g v / |v|, output by output (Salimans, Kingma 2016, arXiv 1602.07868).</summary>
    public static Formula Directed(Formula v, Formula g)
    {
        int size = v.Count / g.Count;
        double Length(int output)
        {
            double square = 0;
            foreach (double value in v.Values.AsSpan(output * size, size))
                square += value * value;
            return Math.Sqrt(square);
        }
        return Of(v.Count, [v, g],
            values =>
            {
                for (int output = 0; output < g.Count; output++)
                {
                    double factor = g.Values[output] / Length(output);
                    for (int i = output * size; i < (output + 1) * size; i++)
                        values[i] = v.Values[i] * factor;
                }
            },
            adjoint =>
            {
                for (int output = 0; output < g.Count; output++)
                {
                    double length = Length(output), along = 0;
                    for (int i = output * size; i < (output + 1) * size; i++)
                        along += adjoint[i] * v.Values[i] / length;
                    if (g.Learns)
                        g.Gradient[output] += along;
                    for (int i = output * size; v.Learns && i < (output + 1) * size; i++)
                        v.Gradient[i] += g.Values[output] / length * (adjoint[i] - along * v.Values[i] / length);
                }
            });
    }
}
