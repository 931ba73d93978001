using System.Numerics;
using FlowCore.Engines.Compiled.Kernels;
using FlowCore.Engines.Gpu;

namespace FlowCore.Bijections.Elements;

/// <summary>
/// A <see cref="NumericalElement"/>, compiled: value by value in float64, whatever T is. The inverse is Newton's method inside a
/// bracket that shrinks with every step, with bisection where Newton would leave it.
/// </summary>
internal abstract unsafe class NumericalKernel<T>(int parameterCount, double reach, bool takesEveryValue) : ElementKernel<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const double Tolerance = 1e-14;

    /// <summary>The number of values that <see cref="Prepare"/> makes of a feature's raw parameters.</summary>
    protected abstract int PreparedCount { get; }

    /// <summary>What the map needs of its parameters, worked out once for all steps.</summary>
    protected abstract void Prepare(ReadOnlySpan<double> raw, Span<double> prepared);

    /// <summary>y and log dy/dx at x.</summary>
    protected abstract (double Value, double LogDerivative) Map(double x, ReadOnlySpan<double> prepared);

    /// <summary>The map as a structure of this name in the text of a kernel, see <see cref="NumericalText"/>; it computes in float64, too.</summary>
    protected abstract string MapText(KernelText text, string name);

    public sealed override string Emit(KernelText text, bool inverse) =>
        NumericalText.Element(text, inverse, isSingle: false, reach, takesEveryValue, name => MapText(text, name));

    public override void Forward(T* x, T* parameters, int stride, int count, T* y, T* logDerivative)
    {
        CheckPanels(x, parameters, stride, count, y, logDerivative);
        Span<double> raw = stackalloc double[parameterCount], prepared = stackalloc double[PreparedCount];
        for (int i = 0; i < count; i++)
        {
            Load(parameters + i, stride, raw, prepared);
            var (value, slope) = Map(double.CreateTruncating(x[i]), prepared);
            (y[i], logDerivative[i]) = (T.CreateTruncating(value), T.CreateTruncating(slope));
        }
    }

    public override void Inverse(T* y, T* parameters, int stride, int count, T* x, T* logDerivative)
    {
        CheckPanels(y, parameters, stride, count, x, logDerivative);
        Span<double> raw = stackalloc double[parameterCount], prepared = stackalloc double[PreparedCount];
        for (int i = 0; i < count; i++)
        {
            Load(parameters + i, stride, raw, prepared);
            double root = Solve(double.CreateTruncating(y[i]), prepared);
            (x[i], logDerivative[i]) = (T.CreateTruncating(root), T.CreateTruncating(-Map(root, prepared).LogDerivative));
        }
    }

    private void Load(T* parameters, int stride, Span<double> raw, Span<double> prepared)
    {
        for (int p = 0; p < raw.Length; p++)
            raw[p] = double.CreateTruncating(parameters[p * stride]);
        Prepare(raw, prepared);
    }

    // A target that the map never takes ends at an end of the bracket.
    private double Solve(double y, ReadOnlySpan<double> prepared)
    {
        double low = -reach, high = reach;
        for (int i = 0; i < NumericalElement.MostDoublings && takesEveryValue; i++)
        {
            bool lowMisses = Map(low, prepared).Value > y, highMisses = Map(high, prepared).Value < y;
            if (!lowMisses && !highMisses)
                break;
            (low, high) = (lowMisses ? 2 * low : low, highMisses ? 2 * high : high);
        }
        double x = 0.5 * (low + high);
        for (int i = 0; i < NumericalElement.MostSteps; i++)
        {
            var (value, logDerivative) = Map(x, prepared);
            if (value > y)
                high = x;
            else
                low = x;
            double newton = x - (value - y) * Scalar.Exp(-logDerivative), next = newton > low && newton < high ? newton : 0.5 * (low + high);
            bool done = !(Math.Abs(next - x) > Tolerance * (1 + Math.Abs(next)));
            x = next;
            if (done)
                break;
        }
        return x;
    }
}
