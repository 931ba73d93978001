using System.Numerics;
using System.Runtime.Intrinsics;
using FlowCore.Engines.Compiled.Kernels;
using FlowCore.Engines.Compiled.Steps;

namespace FlowCore.Conditioners;

// The nonlinearities of Activation as the compiled engine runs them. NaN stays NaN.

/// <summary>max(0, x).</summary>
internal readonly struct Rectifier : IMap
{
    public static V At<V>(V x, double parameter)
        where V : unmanaged, IValue<V> =>
        V.Larger(V.Of(0), x);

    public static Vector512<T> Derivative<T>(Vector512<T> x, double parameter)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        VectorMath.Select(Vector512.GreaterThan(x, Vector512<T>.Zero), Vector512<T>.One, Vector512<T>.Zero);
}

/// <summary>x, or parameter x below 0.</summary>
internal readonly struct LeakyRectifier : IMap
{
    public static V At<V>(V x, double parameter)
        where V : unmanaged, IValue<V> =>
        V.Select(x < V.Of(0), x * V.Of(parameter), x);

    public static Vector512<T> Derivative<T>(Vector512<T> x, double parameter)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        VectorMath.Select(Vector512.GreaterThan(x, Vector512<T>.Zero), Vector512<T>.One, VectorMath.Of<T>(parameter));
}

/// <summary>tanh x.</summary>
internal readonly struct HyperbolicTangent : IMap
{
    public static V At<V>(V x, double parameter)
        where V : unmanaged, IValue<V> =>
        Elementary.Tanh(x);

    public static Vector512<T> Derivative<T>(Vector512<T> x, double parameter)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Vector512<T> y = VectorMath.Tanh(x);
        return Vector512<T>.One - y * y;
    }
}

/// <summary>x, or parameter (e^x - 1) below 0.</summary>
internal readonly struct ExponentialLinear : IMap
{
    public static V At<V>(V x, double parameter)
        where V : unmanaged, IValue<V> =>
        V.Select(x > V.Of(0), x, V.Of(parameter) * Elementary.ExpMinus1(x));

    public static Vector512<T> Derivative<T>(Vector512<T> x, double parameter)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        VectorMath.Select(Vector512.GreaterThan(x, Vector512<T>.Zero), Vector512<T>.One, VectorMath.Of<T>(parameter) * VectorMath.Exp(x));
}

/// <summary>x Phi(x), Phi being the standard normal distribution function.</summary>
internal readonly struct GaussianErrorLinear : IMap
{
    public static V At<V>(V x, double parameter)
        where V : unmanaged, IValue<V> =>
        x * V.Of(0.5) * (V.Of(1) + Elementary.Erf(x * V.Of(Math.Sqrt(0.5))));

    public static Vector512<T> Derivative<T>(Vector512<T> x, double parameter)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        VectorMath.Of<T>(0.5) * (Vector512<T>.One + VectorMath.Erf(x * VectorMath.Of<T>(Math.Sqrt(0.5))))
        + x * VectorMath.Of<T>(1 / Math.Sqrt(2 * Math.PI)) * VectorMath.Exp(x * x * VectorMath.Of<T>(-0.5));
}

/// <summary>x sigmoid(x).</summary>
internal readonly struct SigmoidLinear : IMap
{
    public static V At<V>(V x, double parameter)
        where V : unmanaged, IValue<V> =>
        x * Elementary.Sigmoid(x);

    public static Vector512<T> Derivative<T>(Vector512<T> x, double parameter)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        VectorMath.Sigmoid(x) * (Vector512<T>.One + x * VectorMath.Sigmoid(-x));
}

/// <summary>sigmoid(x).</summary>
internal readonly struct Logistic : IMap
{
    public static V At<V>(V x, double parameter)
        where V : unmanaged, IValue<V> =>
        Elementary.Sigmoid(x);

    public static Vector512<T> Derivative<T>(Vector512<T> x, double parameter)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        VectorMath.Sigmoid(x) * VectorMath.Sigmoid(-x);
}

/// <summary>ln(1 + e^(parameter x)) / parameter.</summary>
internal readonly struct SoftRectifier : IMap
{
    public static V At<V>(V x, double parameter)
        where V : unmanaged, IValue<V> =>
        Elementary.Softplus(x * V.Of(parameter)) / V.Of(parameter);

    public static Vector512<T> Derivative<T>(Vector512<T> x, double parameter)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        VectorMath.Sigmoid(x * VectorMath.Of<T>(parameter));
}

/// <summary>x tanh(ln(1 + e^x)) (Misra 2019, arXiv 1908.08681).</summary>
internal readonly struct Mish : IMap
{
    public static V At<V>(V x, double parameter)
        where V : unmanaged, IValue<V> =>
        x * Elementary.Tanh(Elementary.Softplus(x));

    public static Vector512<T> Derivative<T>(Vector512<T> x, double parameter)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Vector512<T> y = VectorMath.Tanh(VectorMath.Softplus(x));
        return y + x * (Vector512<T>.One - y * y) * VectorMath.Sigmoid(x);
    }
}

/// <summary>min(max(0, x), 6).</summary>
internal readonly struct RectifierToSix : IMap
{
    public static V At<V>(V x, double parameter)
        where V : unmanaged, IValue<V> =>
        Of(x);

    public static V Of<V>(V x)
        where V : unmanaged, IValue<V> =>
        V.Select(x > V.Of(6), V.Of(6), V.Larger(V.Of(0), x));

    public static Vector512<T> Of<T>(Vector512<T> x)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => typeof(T) == typeof(float)
        ? ((Vector512<float>)Of<SingleLanes>(x.AsSingle())).As<float, T>()
        : ((Vector512<double>)Of<DoubleLanes>(x.AsDouble())).As<double, T>();

    public static Vector512<T> Derivative<T>(Vector512<T> x, double parameter)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        Slope(x);

    public static Vector512<T> Slope<T>(Vector512<T> x)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        Vector512.GreaterThanOrEqual(x, Vector512<T>.Zero) & Vector512.LessThanOrEqual(x, VectorMath.Of<T>(6)) & Vector512<T>.One;
}

/// <summary>x min(max(0, x + 3), 6) / 6 (Howard et al. 2019, arXiv 1905.02244).</summary>
internal readonly struct HardSwish : IMap
{
    public static V At<V>(V x, double parameter)
        where V : unmanaged, IValue<V> =>
        x * RectifierToSix.Of(x + V.Of(3)) / V.Of(6);

    public static Vector512<T> Derivative<T>(Vector512<T> x, double parameter)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        (RectifierToSix.Of(x + VectorMath.Of<T>(3)) + x * RectifierToSix.Slope(x + VectorMath.Of<T>(3))) / VectorMath.Of<T>(6);
}

/// <summary>x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2 (Hendrycks, Gimpel 2016, arXiv 1606.08415).</summary>
internal readonly struct GaussianErrorLinearByTanh : IMap
{
    public static V At<V>(V x, double parameter)
        where V : unmanaged, IValue<V> =>
        x * V.Of(0.5) * (V.Of(1) + Elementary.Tanh(
            V.Of(Math.Sqrt(2 / Math.PI)) * (x + V.Of(0.044715) * x * x * x)));

    public static Vector512<T> Derivative<T>(Vector512<T> x, double parameter)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Vector512<T> square = x * x, factor = VectorMath.Of<T>(Math.Sqrt(2 / Math.PI)), share = VectorMath.Of<T>(0.044715);
        Vector512<T> y = VectorMath.Tanh(factor * (x + share * x * square));
        Vector512<T> slope = factor * (Vector512<T>.One + VectorMath.Of<T>(3) * share * square);
        return VectorMath.Of<T>(0.5) * (Vector512<T>.One + y + x * (Vector512<T>.One - y * y) * slope);
    }
}

/// <summary>1.0507 x, or 1.7581 (e^x - 1) below 0 (Klambauer et al. 2017).</summary>
internal readonly struct ScaledExponentialLinear : IMap
{
    public static V At<V>(V x, double parameter)
        where V : unmanaged, IValue<V> =>
        V.Of(1.0507009873554804934193349852946) * V.Select(
            x > V.Of(0), x, V.Of(1.6732632423543772848170429916717) * Elementary.ExpMinus1(x));

    public static Vector512<T> Derivative<T>(Vector512<T> x, double parameter)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        VectorMath.Of<T>(1.0507009873554804934193349852946) * VectorMath.Select(
            Vector512.GreaterThan(x, Vector512<T>.Zero), Vector512<T>.One, VectorMath.Of<T>(1.6732632423543772848170429916717) * VectorMath.Exp(x));
}

/// <summary>min(e^x, 1).</summary>
internal readonly struct ClampedExponential : IMap
{
    public static V At<V>(V x, double parameter)
        where V : unmanaged, IValue<V> =>
        V.Select(x > V.Of(0), V.Of(1), Elementary.Exp(x));

    public static Vector512<T> Derivative<T>(Vector512<T> x, double parameter)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        VectorMath.Select(Vector512.GreaterThan(x, Vector512<T>.Zero), Vector512<T>.Zero, VectorMath.Exp(x));
}
