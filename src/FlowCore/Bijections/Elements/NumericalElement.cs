using TorchSharp;
using static TorchSharp.torch;

namespace FlowCore.Bijections.Elements;

/// <summary>
/// An element without a closed inverse: it is found by Newton's method kept inside a bracket that shrinks with every step, with
/// bisection where Newton would leave it, to the last digits of the number type.
/// </summary>
public abstract class NumericalElement(string name) : Element(name)
{
    /// <summary>The steps of a search, and how often its bracket is doubled.</summary>
    internal const int MostSteps = 200, MostDoublings = 60;

    /// <summary>Where the search begins: the bracket [-reach, reach].</summary>
    protected abstract double Reach { get; }

    /// <summary>Whether the map takes every value, so that the bracket may be doubled until it holds the root.</summary>
    protected virtual bool TakesEveryValue => true;

    public override ElementMapped Inverse(Tensor y, Tensor parameters)
    {
        Tensor root = Solve(y, parameters);
        ElementMapped at = Forward(root, parameters);
        // One more step, on the tape: by the implicit function theorem it carries the gradients for y and the parameters.
        Tensor x = root - (at.Values - y) * at.LogDerivative.detach().neg().exp();
        return new(where(x.isfinite(), x, root), at.LogDerivative.neg());
    }

    // A target that the map never takes ends at an end of the bracket.
    private Tensor Solve(Tensor y, Tensor parameters)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        Tensor low = full_like(y, -Reach), high = full_like(y, Reach);
        for (int i = 0; i < MostDoublings && TakesEveryValue; i++)
        {
            using var step = NewDisposeScope();
            Tensor lowMisses = Forward(low, parameters).Values.gt(y), highMisses = Forward(high, parameters).Values.lt(y);
            if (!lowMisses.any().ToBoolean() && !highMisses.any().ToBoolean())
                break;
            (low, high) = (
                where(lowMisses, low * 2, low).MoveToOuterDisposeScope(),
                where(highMisses, high * 2, high).MoveToOuterDisposeScope());
        }
        double tolerance = y.dtype == ScalarType.Float64 ? 1e-14 : 1e-7;
        Tensor x = (low + high) * 0.5;
        for (int i = 0; i < MostSteps; i++)
        {
            using var step = NewDisposeScope();
            ElementMapped at = Forward(x, parameters);
            Tensor above = at.Values.gt(y);
            Tensor newLow = where(above, low, x), newHigh = where(above, x, high);
            Tensor newton = x - (at.Values - y) * (-at.LogDerivative).exp();
            Tensor inside = newton.gt(newLow).logical_and(newton.lt(newHigh));
            Tensor next = where(inside, newton, (newLow + newHigh) * 0.5);
            bool done = (next - x).abs().le((next.abs() + 1) * tolerance).logical_or(next.isnan()).all().ToBoolean();
            (x, low, high) = (next.MoveToOuterDisposeScope(), newLow.MoveToOuterDisposeScope(), newHigh.MoveToOuterDisposeScope());
            if (done)
                break;
        }
        return x.MoveToOuterDisposeScope();
    }
}
