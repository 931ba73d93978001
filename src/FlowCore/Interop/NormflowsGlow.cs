using FlowCore.Bijections;
using FlowCore.Checkpoints;
using FlowCore.Densities;

namespace FlowCore.Interop;

/// <summary>
/// normflows' multi-scale flows: level 0 is the coarsest. Read from data to latents, the last level comes first; the second part of
/// each level is latent, the first goes on to the level below.
/// </summary>
internal static class NormflowsGlow
{
    public static Imported Import(DescribedNode root, ForeignWeights source, int[] shape)
    {
        DescribedNode[] levels = [.. root["levels"].Items], bases = [.. root["base"].Items];
        string[] merges = [.. root.Optional("merges")?.Items.Select(merge => merge["args"]["mode"].Text) ?? Enumerable.Repeat("channel", levels.Length - 1)];
        if (levels.Length != bases.Length || merges.Length != levels.Length - 1)
            throw root.Error($"levels: {levels.Length} levels, {bases.Length} bases and {merges.Length} merges do not belong together");

        var parts = new List<Part<BijectionSpec>>();
        if (root.Optional("transform") is { } transform)
            parts.Add(Transform(transform, shape[0]));
        parts.AddRange(Level(root, levels, levels.Length - 1, EventShape.Of(shape, 0), source, merges));

        int classes = bases[0]["args"].Optional("num_classes")?.Int ?? 0;
        return new Imported(shape, parts, Bases(bases, source))
        {
            Context = classes > 0 ? new ContextSpec { Classes = classes } : null,
        };
    }

    private static List<Part<BijectionSpec>> Level(DescribedNode root, DescribedNode[] levels, int level, EventShape shape, ForeignWeights source, string[] merges)
    {
        List<Part<BijectionSpec>> parts = NormflowsLayers.All(levels[level], source, ref shape);
        if (level == 0)
            return parts;
        CouplingMask latent = NormflowsSplits.SecondPart(root, merges[level - 1], shape);
        EventShape rest = SplitIndices.Of(latent, shape).Kept;
        parts.Add(Parts.Split(latent, SplitOrder.InnerFirst, Level(root, levels, level - 1, rest, source, merges)));
        return parts;
    }

    /// <summary>One layer on images, as bijections in the order from data to latents.</summary>
    public static Part<BijectionSpec>[] Layer(DescribedNode layer, ForeignWeights source, EventShape shape)
    {
        DescribedNode args = layer["args"];
        string prefix = layer["key_prefix"].Text.TrimEnd('.');
        return layer["type"].Text switch
        {
            "GlowBlock" => GlowBlock(args, source, prefix, shape),
            "Squeeze" => [Part.Of<BijectionSpec>(new SqueezeSpec())],
            "AffineCouplingBlock" => [NormflowsLayers.AffineCoupling(args, shape, NormflowsNetworks.Conv(args["param_map"], source, $"{prefix}.flows.1.param_map"))],
            "Invertible1x1Conv" => [NormflowsMatrix.Of(args["use_lu"].Flag, source, prefix, shape.Channels, fromRight: false)],
            "Permute" => [NormflowsMatrix.Permutation(NormflowsLayers.Order(layer, args, source, prefix, shape.Channels))],
            "ActNorm" => [NormflowsLayers.ConstantAffine(source, prefix, shape, initialized: $"{prefix}.data_dep_init_done")],
            "AffineConstFlow" => [NormflowsLayers.ConstantAffine(source, prefix, shape, initialized: null)],
            var other => throw layer.Error(NormflowsLayers.Refusal(other, "images")),
        };
    }

    // Sampling goes coupling, convolution, ActNorm; the density goes back. A single channel has no convolution.
    private static Part<BijectionSpec>[] GlowBlock(DescribedNode args, ForeignWeights source, string prefix, EventShape shape)
    {
        int channels = args["channels"].Int;
        if (channels != shape.Channels)
            throw args.Error($"channels: is {channels}, here there are {shape.Channels}");
        bool single = channels == 1;
        LayerList network = NormflowsNetworks.Conv(
            source, $"{prefix}.flows.0.flows.1.param_map", args.Optional("leaky")?.Number ?? 0, args.Optional("net_actnorm")?.Flag ?? false);
        string norm = $"{prefix}.flows.{(single ? 1 : 2)}";
        Part<BijectionSpec> first = NormflowsLayers.ConstantAffine(source, norm, shape, initialized: $"{norm}.data_dep_init_done");
        Part<BijectionSpec> coupling = NormflowsLayers.AffineCoupling(args, shape, network);
        return single ? [first, coupling] : [first, NormflowsMatrix.Of(args["use_lu"].Flag, source, $"{prefix}.flows.1", channels, fromRight: false), coupling];
    }

    private static Part<BijectionSpec> Transform(DescribedNode transform, int channels) => transform["type"].Text switch
    {
        "Logit" => Part.Of<BijectionSpec>(new LogitSpec { Alpha = transform["args"]["alpha"].Number }),
        "Shift" => Part.Of<BijectionSpec>(new ScaleShiftSpec(),
            ("scale", TensorSurgery.Floats([1], 1).Broadcast(channels)),
            ("shift", TensorSurgery.Floats([(float)transform["args"]["shift"].Number], 1).Broadcast(channels))),
        var other => throw transform.Error($"the transform '{other}' is not supported; supported are Logit and Shift"),
    };

    // The latent lists level 0 first, as the library does.
    private static Part<BaseDensitySpec> Bases(DescribedNode[] bases, ForeignWeights source)
    {
        var weights = new Dictionary<string, WeightTensor>(StringComparer.Ordinal);
        var levels = new List<Level>();
        foreach (DescribedNode node in bases)
        {
            Part<BaseDensitySpec> part = NormflowsBases.Of(node, source);
            part.AddTo(weights, $"levels.{levels.Count}");
            levels.Add(new Level { Width = node["args"]["shape"].Shape.Aggregate(1, (product, size) => product * size), Base = part.Spec });
        }
        return levels.Count == 1
            ? new(levels[0].Base, weights.ToDictionary(weight => weight.Key["levels.0.".Length..], weight => weight.Value, StringComparer.Ordinal))
            : new(new LevelsSpec { Levels = [.. levels] }, weights);
    }
}
