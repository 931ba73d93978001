using FlowCore.Bijections;
using FlowCore.Checkpoints;

namespace FlowCore.Interop;

/// <summary>Pieces that several libraries have.</summary>
internal static class Parts
{
    public static Part<BijectionSpec> Coupling(CouplingMask mask, ElementSpec element, LayerList network)
    {
        var (spec, weights) = network.Network();
        return Part.Bijection(new CouplingSpec { Mask = mask, Element = element, Conditioner = spec }, ("conditioner", weights));
    }

    public static Part<BijectionSpec> Split(SplitOrder order, IReadOnlyList<Part<BijectionSpec>> inner) =>
        Split(CouplingMask.SecondHalf, order, inner);

    public static Part<BijectionSpec> Split(CouplingMask latent, SplitOrder order, IReadOnlyList<Part<BijectionSpec>> inner)
    {
        var weights = new Dictionary<string, WeightTensor>(StringComparer.Ordinal);
        for (int i = 0; i < inner.Count; i++)
            inner[i].AddTo(weights, $"inner.{i}");
        return new(new SplitSpec { Mask = latent, Order = order, Inner = [.. inner.Select(part => part.Spec)] }, weights);
    }

    /// <summary>Outputs that come as two halves, one value of every feature each, as the pairs (shift, scale) of each feature.</summary>
    public static int[] PairsOfHalves(int features, bool shiftFirst) =>
        [.. Enumerable.Range(0, features).SelectMany(i => shiftFirst ? new[] { i, features + i } : [features + i, i])];
}
