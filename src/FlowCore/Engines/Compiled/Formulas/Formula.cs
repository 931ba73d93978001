using System.Runtime.Intrinsics;
using FlowCore.Engines.Compiled.Kernels;

namespace FlowCore.Engines.Compiled.Formulas;

/// <summary>
/// Numbers that a program reads, in float64: a tensor of the checkpoint, or what is computed of tensors. To serve a flow their values
/// are enough. A flow in training computes them anew from its parameters at every step, and takes their gradient back to those: the
/// chain rule, formula by formula, from the last one to the first.
/// </summary>
internal sealed partial class Formula
{
    private readonly Action<double[]>? evaluate, back;
    private double[]? gradient;

    private Formula(double[] values, Formula[] sources, Action<double[]>? evaluate, Action<double[]>? back) =>
        (Values, Sources, this.evaluate, this.back) = (values, sources, evaluate, back);

    public double[] Values { get; }

    public int Count => Values.Length;

    /// <summary>What a step's gradient adds up in; of parameters and what is computed of them alone.</summary>
    public double[] Gradient => gradient ??= new double[Count];

    /// <summary>What it is computed of.</summary>
    public Formula[] Sources { get; }

    /// <summary>The name of the parameter that it is; null where it is none.</summary>
    public string? Name { get; private init; }

    /// <summary>Whether a parameter stands behind it.</summary>
    public bool Learns => Name is not null || Sources.Length > 0;

    /// <summary>The parameter that these are entries of, and which; null where they are computed.</summary>
    public (Formula Parameter, int[] Indices)? Picked { get; private init; }

    /// <summary>Numbers that stay as they are.</summary>
    public static Formula Fixed(params double[] values) => new(values, [], null, null);

    public static Formula Repeated(double value, int count)
    {
        var values = new double[count];
        Array.Fill(values, value);
        return Fixed(values);
    }

    /// <summary>A parameter of a flow in training.</summary>
    public static Formula Parameter(string name, double[] values) => new(values, [], null, null) { Name = name };

    /// <summary>Whether entry i is 0 whatever the parameters are: masks and triangles leave it out.</summary>
    public bool IsZero(int i) => Picked is var (_, indices) ? indices[i] < 0 : isZero is not null ? isZero[i] : !Learns && Values[i] == 0;

    private bool[]? isZero;

    /// <summary>From the values of what it is computed of.</summary>
    public void Evaluate() => evaluate?.Invoke(Values);

    /// <summary>Adds what its gradient means for what it is computed of.</summary>
    public void Back() => back?.Invoke(Gradient);

    /// <summary>These entries in this order; 0 for an index below 0.</summary>
    public Formula Pick(int[] indices)
    {
        if (Picked is var (parameter, own))
            return parameter.Pick([.. indices.Select(i => i < 0 ? -1 : own[i])]);
        Formula picked = Of(indices.Length, [this],
            values =>
            {
                for (int i = 0; i < indices.Length; i++)
                    values[i] = indices[i] < 0 ? 0 : Values[indices[i]];
            },
            adjoint =>
            {
                for (int i = 0; i < indices.Length; i++)
                    if (indices[i] >= 0)
                        Gradient[indices[i]] += adjoint[i];
            });
        if (!Learns)
            return picked;
        return new(picked.Values, picked.Sources, picked.evaluate, picked.back)
        {
            Picked = Name is null ? null : (this, indices),
            isZero = Name is null ? [.. indices.Select(i => i < 0 || IsZero(i))] : null,
        };
    }

    /// <summary>One after the other.</summary>
    public static Formula Joined(params Formula[] parts)
    {
        Formula joined = Of(parts.Sum(part => part.Count), parts,
            values =>
            {
                int at = 0;
                foreach (Formula part in parts)
                {
                    part.Values.CopyTo(values, at);
                    at += part.Count;
                }
            },
            adjoint =>
            {
                int at = 0;
                foreach (Formula part in parts)
                {
                    for (int i = 0; part.Learns && i < part.Count; i++)
                        part.Gradient[i] += adjoint[at + i];
                    at += part.Count;
                }
            });
        joined.isZero = joined.Learns ? [.. parts.SelectMany(part => Enumerable.Range(0, part.Count).Select(part.IsZero))] : null;
        return joined;
    }

    /// <summary>f of each entry, and its derivative given x and f(x).</summary>
    public Formula Map(Func<double, double> f, Func<double, double, double> derivative)
    {
        Formula mapped = null!;
        return mapped = Of(Count, [this],
            values =>
            {
                for (int i = 0; i < values.Length; i++)
                    values[i] = f(Values[i]);
            },
            adjoint =>
            {
                for (int i = 0; i < adjoint.Length; i++)
                    Gradient[i] += adjoint[i] * derivative(Values[i], mapped.Values[i]);
            });
    }

    public Formula Exp() => Map(Math.Exp, (_, y) => y);

    public Formula Log() => Map(Math.Log, (x, _) => 1 / x);

    /// <summary>ln(1 + e^x).</summary>
    public Formula Softplus() => Map(x => VectorMath.Softplus(Vector512.Create(x))[0], (x, _) => 1 / (1 + Math.Exp(-x)));

    public Formula Reciprocal() => Map(x => 1 / x, (_, y) => -y * y);

    public Formula Sum() => Of(1, [this],
        values =>
        {
            double sum = 0;
            foreach (double value in Values)
                sum += value;
            values[0] = sum;
        },
        adjoint =>
        {
            for (int i = 0; i < Count; i++)
                Gradient[i] += adjoint[0];
        });

    /// <summary>The sum of each line of so many entries.</summary>
    public Formula LineSums(int width) => Of(Count / width, [this],
        values =>
        {
            Array.Clear(values);
            for (int i = 0; i < Count; i++)
                values[i / width] += Values[i];
        },
        adjoint =>
        {
            for (int i = 0; i < Count; i++)
                Gradient[i] += adjoint[i / width];
        });

    /// <summary>x - ln sum e^x.</summary>
    public Formula LogSoftmax()
    {
        Formula shares = null!;
        return shares = Of(Count, [this],
            values =>
            {
                double most = double.NegativeInfinity, sum = 0;
                foreach (double value in Values)
                    most = Math.Max(most, value);
                foreach (double value in Values)
                    sum += Math.Exp(value - most);
                double logSum = most + Math.Log(sum);
                for (int i = 0; i < values.Length; i++)
                    values[i] = Values[i] - logSum;
            },
            adjoint =>
            {
                double sum = 0;
                foreach (double each in adjoint)
                    sum += each;
                for (int i = 0; i < adjoint.Length; i++)
                    Gradient[i] += adjoint[i] - Math.Exp(shares.Values[i]) * sum;
            });
    }

    public static Formula operator -(Formula a) => a * -1;

    public static Formula operator *(Formula a, double factor) => a.Map(x => x * factor, (_, _) => factor);

    public static Formula operator +(Formula a, double shift) => a.Map(x => x + shift, (_, _) => 1);

    public static Formula operator +(Formula a, Formula b) => Of(a.Count, [a, b],
        values =>
        {
            for (int i = 0; i < values.Length; i++)
                values[i] = a.Values[i] + b.Values[i];
        },
        adjoint =>
        {
            for (int i = 0; i < adjoint.Length; i++)
            {
                if (a.Learns)
                    a.Gradient[i] += adjoint[i];
                if (b.Learns)
                    b.Gradient[i] += adjoint[i];
            }
        });

    public static Formula operator -(Formula a, Formula b) => a + -b;

    public static Formula operator *(Formula a, Formula b) => Of(a.Count, [a, b],
        values =>
        {
            for (int i = 0; i < values.Length; i++)
                values[i] = a.Values[i] * b.Values[i];
        },
        adjoint =>
        {
            for (int i = 0; i < adjoint.Length; i++)
            {
                if (a.Learns)
                    a.Gradient[i] += adjoint[i] * b.Values[i];
                if (b.Learns)
                    b.Gradient[i] += adjoint[i] * a.Values[i];
            }
        });

    /// <summary>Computed now; again at each step of a training where a parameter stands behind it.</summary>
    private static Formula Of(int count, Formula[] sources, Action<double[]> evaluate, Action<double[]> back)
    {
        var values = new double[count];
        evaluate(values);
        return Array.Exists(sources, source => source.Learns) ? new(values, sources, evaluate, back) : Fixed(values);
    }
}
