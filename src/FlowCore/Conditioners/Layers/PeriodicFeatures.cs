using FlowCore.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Conditioners.Layers;

/// <summary>Lets a network see angles as periodic values.</summary>
public sealed record PeriodicFeaturesSpec : LayerSpec
{
    /// <summary>The positions of the angles.</summary>
    public required int[] Features { get; init; }

    /// <summary>For each of them what an angle is multiplied by: pi / bound for one on [-bound, bound].</summary>
    public required double[] Scales { get; init; }

    internal override void Check(SpecScope at, LayerPlace place)
    {
        place.NeedsVector(at);
        at.Positions("features", Features, place.Width);
        if (at.Given(Scales, "scales").Length != Features.Length || !Scales.All(double.IsFinite))
            throw at.Refusal("scales", "must hold one number for each of the features");
        foreach (double scale in Scales)
            at.Number("scales", scale);
        at.Need("weights", Features.Length, 2);
    }
}

/// <summary>h_i to w_i0 sin(scale_i h_i) + w_i1 cos(scale_i h_i) for the angles; the others stay (normflows' PeriodicFeatures).</summary>
public sealed class PeriodicFeatures : Layer
{
    private readonly Parameter weights;
    private readonly Constant angles;
    private readonly Constant scales;

    internal PeriodicFeatures(PeriodicFeaturesSpec spec) : base(nameof(PeriodicFeatures))
    {
        weights = new Parameter(ones(spec.Features.Length, 2));
        angles = new Constant(tensor(spec.Features, int64));
        scales = new Constant(tensor(spec.Scales));
        RegisterComponents();
    }

    public override Tensor Forward(Tensor h, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor turn = h.index_select(1, angles.Values) * scales.Values.to(h.dtype);
        Tensor periodic = weights.select(1, 0) * turn.sin() + weights.select(1, 1) * turn.cos();
        return h.index_copy(1, angles.Values, periodic).MoveToOuterDisposeScope();
    }
}
