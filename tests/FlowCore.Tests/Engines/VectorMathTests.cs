using System.Runtime.Intrinsics;
using FlowCore.Engines.Compiled.Kernels;

namespace FlowCore.Tests.Engines;

/// <summary>The functions that the compiled engine is made of are right to a few units in the last place, near zero and far out.</summary>
public sealed class VectorMathTests
{
    private delegate Vector512<float> Single(Vector512<float> x);

    private delegate Vector512<double> Double(Vector512<double> x);

    private static readonly (string Name, Single Single, Double Double, Func<double, double> Exact, double Least, double Most)[] Functions =
    [
        ("exp", VectorMath.Exp, VectorMath.Exp, Math.Exp, -80, 80),
        ("log", VectorMath.Log, VectorMath.Log, Math.Log, 1e-6, 1e6),
        ("log near 1", VectorMath.Log, VectorMath.Log, Math.Log, 0.5, 2),
        ("log1p", VectorMath.Log1p, VectorMath.Log1p, LogOnePlus, -0.9, 3),
        ("log1p near 0", VectorMath.Log1p, VectorMath.Log1p, LogOnePlus, -1e-3, 1e-3),
        ("sigmoid", VectorMath.Sigmoid, VectorMath.Sigmoid, x => 1 / (1 + Math.Exp(-x)), -60, 60),
        ("softplus", VectorMath.Softplus, VectorMath.Softplus, x => Math.Max(x, 0) + LogOnePlus(Math.Exp(-Math.Abs(x))), -60, 60),
        ("tanh", VectorMath.Tanh, VectorMath.Tanh, Math.Tanh, -20, 20),
        ("tanh near 0", VectorMath.Tanh, VectorMath.Tanh, Math.Tanh, -1e-2, 1e-2),
        ("e^x - 1", VectorMath.ExpMinus1, VectorMath.ExpMinus1, x => 2 * Math.Tanh(x / 2) / (1 - Math.Tanh(x / 2)), -4, 4),
        ("erf", VectorMath.Erf, VectorMath.Erf, Erf, -6, 6),
        ("asinh", VectorMath.Asinh, VectorMath.Asinh, Math.Asinh, -1e4, 1e4),
        ("asinh near 0", VectorMath.Asinh, VectorMath.Asinh, Math.Asinh, -1, 1),
        ("sinh", VectorMath.Sinh, VectorMath.Sinh, Math.Sinh, -80, 80),
        ("sinh near 0", VectorMath.Sinh, VectorMath.Sinh, Math.Sinh, -1, 1),
    ];

    public static IEnumerable<TheoryDataRow<string>> Names => Functions.Select(function => new TheoryDataRow<string>(function.Name));

    [Theory, MemberData(nameof(Names))]
    public void Each_function_is_exact_to_a_few_units_in_the_last_place(string name)
    {
        var function = Functions.Single(each => each.Name == name);
        double single = 0, exact = 0;
        for (int i = 0; i < 20000; i++)
        {
            double x = function.Least + (function.Most - function.Least) * i / 20000;
            float rounded = (float)x;
            single = Math.Max(single, Error(function.Exact(rounded), function.Single(Vector512.Create(rounded))[3]));
            exact = Math.Max(exact, Error(function.Exact(x), function.Double(Vector512.Create(x))[5]));
        }
        Assert.True(single <= 4e-7, $"{name}: float32 is off by {single:g3}");
        Assert.True(exact <= 4e-15, $"{name}: float64 is off by {exact:g3}");
    }

    private static double LogOnePlus(double x) => 1 + x == 1 ? x : Math.Log(1 + x) * (x / (1 + x - 1));

    private static double Error(double expected, double actual) => expected == actual ? 0 : Math.Abs(actual - expected) / Math.Abs(expected);

    // The integral of its derivative by Gauss-Legendre, piece by piece.
    private static double Erf(double x)
    {
        var (nodes, weights) = Bijections.Elements.GaussLegendre.Rule(20);
        double sum = 0, piece = x / 16;
        for (int part = 0; part < 16; part++)
            for (int i = 0; i < nodes.Length; i++)
                sum += weights[i] * Math.Exp(-Math.Pow((part + nodes[i]) * piece, 2));
        return sum * piece * 2 / Math.Sqrt(Math.PI);
    }
}
