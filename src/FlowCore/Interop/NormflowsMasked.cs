using FlowCore.Bijections;
using FlowCore.Bijections.Elements;
using FlowCore.Conditioners.Layers;

namespace FlowCore.Interop;

/// <summary>normflows' MaskedAffineFlow: what b marks with 1 is kept, and two networks of their own see it, the rest set to 0.</summary>
internal static class NormflowsMasked
{
    public static Part<BijectionSpec> Affine(DescribedNode args, ForeignWeights source, string prefix, EventShape shape)
    {
        double[] b = source.Take($"{prefix}.b").ToDoubles();
        if (b.Length != shape.Width || b.Any(value => value is not (0 or 1)))
            throw args.Error($"b: must hold a 0 or a 1 for each of {shape.Width} {(shape.IsImage ? "values" : "features")}");
        CouplingMask mask = shape.IsImage ? Pixels(args, b, shape) : CouplingMask.Explicit([.. b.Select(value => value == 0)]);
        // A network that sees the whole image has its inputs set to 0 by the mask itself.
        bool whole = mask.Name is not null;
        int[] kept = whole ? [] : [.. mask.Indices(shape.Channels, transformed: false).Select(i => (int)i)];
        int[] transformed = whole ? [.. Enumerable.Range(0, shape.Channels)] : [.. mask.Indices(shape.Channels, transformed: true).Select(i => (int)i)];

        LayerList? Branch(string name)
        {
            if (args.Optional(name) is not { } net)
                return null;
            LayerList layers = shape.IsImage ? NormflowsNetworks.Conv(net, source, $"{prefix}.{name}") : NormflowsNetworks.Mlp(net, source, $"{prefix}.{name}");
            if (!whole)
                layers.SelectInputs(kept);
            layers.ReorderOutputs(transformed);
            return layers;
        }
        LayerList? shift = Branch("t"), scale = Branch("s");
        LayerList Zeros()
        {
            var layers = new LayerList();
            layers.Add(new ZerosLayerSpec { Width = transformed.Length });
            return layers;
        }
        var network = new LayerList();
        if (scale is null)
            network = shift ?? Zeros();
        else
            network.Parallel(shift ?? Zeros(), scale);
        var (spec, weights) = network.Network();
        var element = new AffineElementSpec { Scale = scale is null ? ScaleMap.None : ScaleMap.Exp };
        return Part.Bijection(new CouplingSpec { Mask = mask, Element = element, Conditioner = spec }, ("conditioner", weights)).Inverted();
    }

    /// <summary>Whole channels, or a checkerboard of pixels.</summary>
    private static CouplingMask Pixels(DescribedNode args, double[] b, EventShape shape)
    {
        var (channels, height, width) = shape.Image;
        bool Keeps(int channel, int row, int column) => b[(channel * height + row) * width + column] == 1;
        bool All(Func<int, int, int, bool> holds) =>
            Enumerable.Range(0, channels).All(c => Enumerable.Range(0, height).All(i => Enumerable.Range(0, width).All(j => holds(c, i, j))));
        if (All((c, i, j) => Keeps(c, i, j) == Keeps(c, 0, 0)))
            return CouplingMask.Explicit([.. Enumerable.Range(0, channels).Select(c => !Keeps(c, 0, 0))]);
        if (All((c, i, j) => Keeps(c, i, j) == ((i + j) % 2 == 1)))
            return CouplingMask.CheckerboardEven;
        if (All((c, i, j) => Keeps(c, i, j) == ((i + j) % 2 == 0)))
            return CouplingMask.CheckerboardOdd;
        throw args.Error("b: on an image, must mark whole channels, or a checkerboard of pixels that is the same in every channel");
    }
}
