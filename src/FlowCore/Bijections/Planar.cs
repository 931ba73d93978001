using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Bijections;

/// <summary>The settings of <see cref="Planar"/>.</summary>
public sealed record PlanarSpec : BijectionSpec
{
    /// <summary>The slope of the leaky rectifier below 0: above 0, at most 1.</summary>
    public double Slope { get; init; } = 0.2;

    internal override void Check(SpecScope at, EventShape shape)
    {
        if (!(Slope is > 0 and <= 1))
            throw at.Refusal("slope", $"must lie above 0 and at most at 1, is {Slope}");
        at.Need("u", shape.Width);
        at.Need("w", shape.Width);
        at.Need("b", 1);
    }
}

/// <summary>
/// z = x + v h(w . x + b), a bend along one direction, with a leaky rectifier h, for which alone the map has a closed inverse. The
/// direction is v = u + (softplus(w . u) - 1 - w . u) w / |w|^2, so that w . v > -1 and the map is invertible (Rezende, Mohamed
/// 2015, "Variational inference with normalizing flows", arXiv 1505.05770). u and w are <c>[width]</c>, b is <c>[1]</c>; w must not be 0.
/// </summary>
public sealed class Planar : Bijection
{
    private readonly double slope;
    private readonly Parameter u, w, b;

    internal Planar(PlanarSpec spec, EventShape shape) : base(nameof(Planar))
    {
        slope = spec.Slope;
        u = new Parameter(zeros(shape.Width));
        w = new Parameter(ones(shape.Width));
        b = new Parameter(zeros(1));
        RegisterComponents();
    }

    public override Mapped Forward(Tensor x, Tensor? context)
    {
        using var scope = NewDisposeScope();
        var (direction, along) = Direction();
        Tensor rows = x.flatten(1), height = Height(rows), slopes = Slopes(height);
        Tensor z = rows + direction * (slopes * height).unsqueeze(1);
        return new(z.view(x.shape).MoveToOuterDisposeScope(), (along * slopes).log1p().MoveToOuterDisposeScope());
    }

    public override Mapped Inverse(Tensor z, Tensor? context)
    {
        using var scope = NewDisposeScope();
        var (direction, along) = Direction();
        // The height's sign is the same on both sides: it is stretched by 1 + w . v h' > 0.
        Tensor rows = z.flatten(1), height = Height(rows), slopes = Slopes(height), stretch = 1 + along * slopes;
        Tensor x = rows - direction * (slopes * height / stretch).unsqueeze(1);
        return new(x.view(z.shape).MoveToOuterDisposeScope(), (along * slopes).log1p().neg().MoveToOuterDisposeScope());
    }

    /// <summary>v, and w . v = softplus(w . u) - 1.</summary>
    private (Tensor Direction, Tensor Along) Direction()
    {
        Tensor inner = w.dot(u);
        // Not torch's softplus, which is the identity above 20.
        Tensor along = inner.clamp_min(0) + inner.abs().neg().exp().log1p() - 1;
        return (u + (along - inner) * w / w.dot(w), along);
    }

    private Tensor Height(Tensor rows) => nn.functional.linear(rows, w.unsqueeze(0), b).squeeze(1);

    private Tensor Slopes(Tensor height) => where(height.lt(0), full_like(height, slope), ones_like(height));
}
