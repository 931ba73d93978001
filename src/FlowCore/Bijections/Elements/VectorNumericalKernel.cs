using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FlowCore.Engines.Compiled.Kernels;
using FlowCore.Engines.Gpu;

namespace FlowCore.Bijections.Elements;

/// <summary>
/// A <see cref="NumericalElement"/>, compiled: a vector of values at a time. The inverse is Newton's method inside a bracket that
/// shrinks with every step, with bisection where Newton would leave it; a lane that has found its root waits unchanged for the others.
/// </summary>
internal abstract unsafe class VectorNumericalKernel<T>(double reach) : ElementKernel<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>The vectors that it keeps beside while it computes one.</summary>
    protected abstract int Scratch { get; }

    /// <summary>What the map needs of a vector's parameters, worked out once for all steps.</summary>
    protected abstract void Prepare(T* parameters, int stride, Vector512<T>* scratch);

    /// <summary>y and log dy/dx at x.</summary>
    protected abstract (Vector512<T> Value, Vector512<T> LogDerivative) Map(Vector512<T> x, Vector512<T>* scratch);

    /// <summary>The map as a structure of this name in the text of a kernel, see <see cref="NumericalText"/>.</summary>
    protected abstract string MapText(KernelText text, string name);

    public sealed override string Emit(KernelText text, bool inverse) =>
        NumericalText.Element(text, inverse, text.IsSingle, reach, takesEveryValue: true, name => MapText(text, name));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Forward(T* x, T* parameters, int stride, int count, T* y, T* logDerivative)
    {
        CheckPanels(x, parameters, stride, count, y, logDerivative);
        Vector512<T>* memory = stackalloc Vector512<T>[Scratch + 1], scratch = Aligned(memory);
        for (int i = 0; i < count; i += Vector512<T>.Count)
        {
            Prepare(parameters + i, stride, scratch);
            var (value, slope) = Map(Vector512.Load(x + i), scratch);
            value.Store(y + i);
            slope.Store(logDerivative + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Inverse(T* y, T* parameters, int stride, int count, T* x, T* logDerivative)
    {
        CheckPanels(y, parameters, stride, count, x, logDerivative);
        Vector512<T>* memory = stackalloc Vector512<T>[Scratch + 1], scratch = Aligned(memory);
        for (int i = 0; i < count; i += Vector512<T>.Count)
        {
            Prepare(parameters + i, stride, scratch);
            // What stands behind the last value has no root to be found.
            Vector512<T> wanted = VectorMath.FirstLanes<T>(count - i);
            Vector512<T> root = Solve(Vector512.Load(y + i), wanted, scratch);
            root.Store(x + i);
            (-Map(root, scratch).LogDerivative).Store(logDerivative + i);
        }
    }

    // A target that the map never takes ends at an end of the bracket.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private Vector512<T> Solve(Vector512<T> y, Vector512<T> wanted, Vector512<T>* scratch)
    {
        Vector512<T> low = VectorMath.Of<T>(-reach), high = VectorMath.Of<T>(reach), half = VectorMath.Of<T>(0.5);
        Vector512<T> tolerance = VectorMath.Of<T>(typeof(T) == typeof(float) ? 1e-7 : 1e-14);
        for (int i = 0; i < NumericalElement.MostDoublings; i++)
        {
            Vector512<T> lowMisses = Vector512.GreaterThan(Map(low, scratch).Value, y) & wanted;
            Vector512<T> highMisses = Vector512.LessThan(Map(high, scratch).Value, y) & wanted;
            if ((lowMisses | highMisses) == Vector512<T>.Zero)
                break;
            (low, high) = (VectorMath.Select(lowMisses, low + low, low), VectorMath.Select(highMisses, high + high, high));
        }
        Vector512<T> x = half * (low + high);
        for (int i = 0; i < NumericalElement.MostSteps && !Vector512.EqualsAll(wanted.AsInt64(), Vector512<long>.Zero); i++)
        {
            var (value, logDerivative) = Map(x, scratch);
            Vector512<T> above = Vector512.GreaterThan(value, y);
            (low, high) = (VectorMath.Select(above, low, x), VectorMath.Select(above, x, high));
            Vector512<T> newton = x - (value - y) * VectorMath.Exp(-logDerivative);
            Vector512<T> inside = Vector512.GreaterThan(newton, low) & Vector512.LessThan(newton, high);
            Vector512<T> next = VectorMath.Select(inside, newton, half * (low + high));
            Vector512<T> moves = Vector512.GreaterThan(Vector512.Abs(next - x), tolerance * (Vector512<T>.One + Vector512.Abs(next)));
            x = VectorMath.Select(wanted, next, x);
            wanted &= moves;
        }
        return x;
    }

    private static Vector512<T>* Aligned(Vector512<T>* memory) => (Vector512<T>*)(((nuint)memory + 63) & ~(nuint)63);
}
