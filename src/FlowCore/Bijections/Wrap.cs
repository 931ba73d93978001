using FlowCore.Tensors;
using static TorchSharp.torch;

namespace FlowCore.Bijections;

/// <summary>The settings of <see cref="Wrap"/>.</summary>
public sealed record WrapSpec : BijectionSpec
{
    /// <summary>The positions of the features that are angles.</summary>
    public required int[] Features { get; init; }

    /// <summary>For each of them half of its period: it lives on [-bound, bound).</summary>
    public required double[] Bounds { get; init; }

    /// <summary>For each of them by how much it is turned back on the way to the latents; null for none, and samples are left as they are.</summary>
    public double[]? Shifts { get; init; }

    internal override void Check(SpecScope at, EventShape shape)
    {
        at.Positions("features", Features, at.Vector(shape));
        if (at.Given(Bounds, "bounds").Length != Features.Length || Bounds.Any(bound => !(bound > 0 && double.IsFinite(bound))))
            throw at.Refusal("bounds", "must hold one positive number for each of the features");
        if (Shifts is { } turns && (turns.Length != Features.Length || !turns.All(double.IsFinite)))
            throw at.Refusal("shifts", "must hold one number for each of the features");
        foreach (double bound in Bounds)
            at.Positive("bounds", bound);
        foreach (double shift in Shifts ?? [])
            at.Number("shifts", shift);
    }
}

/// <summary>
/// z = ((x - shift + bound) mod 2 bound) - bound: takes angles, whole turns included, to one interval (normflows' PeriodicWrap and
/// PeriodicShift). A bijection of the circle: of a value outside the interval, the inverse gives the one inside.
/// </summary>
public sealed class Wrap : Bijection
{
    private readonly bool shifted;
    private readonly Constant angles;
    private readonly Constant bounds;
    private readonly Constant shifts;

    public Wrap(WrapSpec spec) : base(nameof(Wrap))
    {
        shifted = spec.Shifts is not null;
        angles = new Constant(tensor(spec.Features, int64));
        bounds = new Constant(tensor(spec.Bounds));
        shifts = new Constant(tensor(spec.Shifts ?? new double[spec.Features.Length]));
        RegisterComponents();
    }

    public override Mapped Forward(Tensor x, Tensor? context)
    {
        using var scope = NewDisposeScope();
        return Moved(Turned(x, -1));
    }

    public override Mapped Inverse(Tensor z, Tensor? context)
    {
        using var scope = NewDisposeScope();
        return Moved(shifted ? Turned(z, 1) : z.alias());
    }

    private Tensor Turned(Tensor values, double sign)
    {
        Tensor bound = bounds.Values.to(values.dtype), shift = shifts.Values.to(values.dtype);
        Tensor turned = (values.index_select(1, angles.Values) + shift * sign + bound).remainder(2 * bound) - bound;
        return values.index_copy(1, angles.Values, turned);
    }

    private static Mapped Moved(Tensor values) => new(
        values.MoveToOuterDisposeScope(), zeros(values.shape[0], values.dtype, values.device).MoveToOuterDisposeScope());
}
