using FlowCore.Bijections;
using FlowCore.Bijections.Elements;
using FlowCore.Checkpoints;
using FlowCore.Densities;

namespace FlowCore.Interop;

/// <summary>
/// normflows' multi-scale flows: level 0 is the coarsest. Read from data to latents, the last level comes first; the second half of
/// the channels of each level is latent, the first goes on to the level below.
/// </summary>
internal static class NormflowsGlow
{
    public static Imported Import(Node root, ForeignWeights source, int[] shape)
    {
        Node[] levels = [.. root["levels"].Items], bases = [.. root["base"].Items];
        if (levels.Length != bases.Length || shape.Length != 3)
            throw root.Error($"levels: {levels.Length} levels, {bases.Length} bases and a shape of {shape.Length} axes do not belong together");
        foreach (Node merge in root.Optional("merges")?.Items ?? [])
            if (merge["args"]["mode"].Text is not ("channel" or "channel_inv"))
                throw merge.Error($"mode: a merge by '{merge["args"]["mode"].Text}' is not supported; supported are channel and channel_inv");

        var parts = new List<Part<BijectionSpec>>();
        if (root.Optional("transform") is { } transform)
            parts.Add(Transform(transform, shape[0]));
        bool[] secondGoesOn = [.. root.Optional("merges")?.Items.Select(merge => merge["args"]["mode"].Text == "channel_inv") ?? []];
        parts.AddRange(Level(levels, levels.Length - 1, shape[0], source, secondGoesOn));

        int classes = bases[0]["args"].Optional("num_classes")?.Int ?? 0;
        return new Imported(shape, parts, Bases(bases, source))
        {
            Context = classes > 0 ? new ContextSpec { Classes = classes } : null,
        };
    }

    private static List<Part<BijectionSpec>> Level(Node[] levels, int level, int channels, ForeignWeights source, bool[] secondGoesOn)
    {
        var parts = new List<Part<BijectionSpec>>();
        foreach (Node layer in levels[level].Items.Reverse())
        {
            parts.AddRange(Layer(layer, source, channels));
            if (layer["type"].Text == "Squeeze")
                channels *= 4;
        }
        if (level == 0)
            return parts;
        if (level - 1 < secondGoesOn.Length && secondGoesOn[level - 1])
            parts.Add(NormflowsMatrix.Permutation([.. Enumerable.Range(channels / 2, channels - channels / 2), .. Enumerable.Range(0, channels / 2)]));
        parts.Add(Parts.Split(SplitOrder.InnerFirst, Level(levels, level - 1, channels / 2, source, secondGoesOn)));
        return parts;
    }

    /// <summary>One layer on images, as bijections in the order from data to latents.</summary>
    public static Part<BijectionSpec>[] Layer(Node layer, ForeignWeights source, int channels)
    {
        Node args = layer["args"];
        string prefix = layer["key_prefix"].Text.TrimEnd('.');
        return layer["type"].Text switch
        {
            "GlowBlock" => GlowBlock(args, source, prefix),
            "Squeeze" => [Part.Of<BijectionSpec>(new SqueezeSpec())],
            "AffineCouplingBlock" => [Coupling(args, channels, NormflowsNetworks.Conv(args["param_map"], source, $"{prefix}.flows.1.param_map"))],
            "Invertible1x1Conv" => [NormflowsMatrix.Of(args["use_lu"].Flag, source, prefix, channels, fromRight: false)],
            "Permute" => [NormflowsMatrix.Permutation(NormflowsLayers.Order(layer, args, source, prefix, channels))],
            "ActNorm" => [ActNorm(source, prefix, channels, initialized: true)],
            "AffineConstFlow" => [ActNorm(source, prefix, channels, initialized: false)],
            var other => throw layer.Error($"the layer '{other}' is not supported on images"),
        };
    }

    // Sampling goes coupling, convolution, ActNorm; the density goes back.
    private static Part<BijectionSpec>[] GlowBlock(Node args, ForeignWeights source, string prefix)
    {
        int channels = args["channels"].Int;
        bool single = channels == 1;
        string map = $"{prefix}.flows.0.flows.1.param_map";
        LayerList network = NormflowsNetworks.Conv(
            source, map, args.Optional("leaky")?.Number ?? 0, args.Optional("net_actnorm")?.Flag ?? false);
        Part<BijectionSpec> norm = ActNorm(source, $"{prefix}.flows.{(single ? 1 : 2)}", channels, initialized: true);
        Part<BijectionSpec> coupling = Coupling(args, channels, network);
        return single
            ? [norm, coupling]
            : [norm, NormflowsMatrix.Of(args["use_lu"].Flag, source, $"{prefix}.flows.1", channels, fromRight: false), coupling];
    }

    private static Part<BijectionSpec> Coupling(Node args, int channels, LayerList network)
    {
        CouplingMask mask = args["split_mode"].Text switch
        {
            "channel" => Half(channels, second: true),
            "channel_inv" => Half(channels, second: false),
            "checkerboard" => CouplingMask.PackedCheckerboardEven,
            "checkerboard_inv" => CouplingMask.PackedCheckerboardOdd,
            var other => throw args.Error($"split_mode: '{other}' is not supported"),
        };
        return Parts.Coupling(mask, NormflowsLayers.AffineElement(args), network).Inverted();
    }

    // With an odd number of channels, the first part is the larger one.
    private static CouplingMask Half(int channels, bool second) => channels % 2 == 0
        ? (second ? CouplingMask.SecondHalf : CouplingMask.FirstHalf)
        : CouplingMask.Explicit([.. Enumerable.Range(0, channels).Select(c => c >= (channels + 1) / 2 == second)]);

    private static Part<BijectionSpec> ActNorm(ForeignWeights source, string prefix, int channels, bool initialized)
    {
        if (initialized)
            source.RequireInitialized($"{prefix}.data_dep_init_done");
        WeightTensor scale = source.Take($"{prefix}.s"), shift = source.Take($"{prefix}.t");
        if (scale.Count() != shift.Count())
            throw new ImportException($"tensor '{prefix}.s' is {scale.Describe()}, '{prefix}.t' {shift.Describe()}: they must be alike");
        // One value for each pixel of each channel.
        if (scale.Shape is [1, var c, > 1, > 1] && c == channels)
            return Part.Of<BijectionSpec>(new ElementwiseSpec { Element = new AffineElementSpec { Scale = ScaleMap.Exp } },
                ("constants", TensorSurgery.Stack(shift.Reshape(1, shift.Count()), scale.Reshape(1, scale.Count())).Transpose().Reshape([.. scale.Shape[1..], 2]))).Inverted();
        if (scale.Count() != channels)
            throw new ImportException($"tensor '{prefix}.s' is {scale.Describe()}: one value a channel, or one each, is supported");
        return Part.Of<BijectionSpec>(new ActNormSpec(), ("log_scale", scale.Reshape(channels)), ("shift", shift.Reshape(channels))).Inverted();
    }

    private static Part<BijectionSpec> Transform(Node transform, int channels) => transform["type"].Text switch
    {
        "Logit" => Part.Of<BijectionSpec>(new LogitSpec { Alpha = transform["args"]["alpha"].Number }),
        "Shift" => Part.Of<BijectionSpec>(new ScaleShiftSpec(),
            ("scale", TensorSurgery.Floats([1], 1).Broadcast(channels)),
            ("shift", TensorSurgery.Floats([(float)transform["args"]["shift"].Number], 1).Broadcast(channels))),
        var other => throw transform.Error($"the transform '{other}' is not supported; supported are Logit and Shift"),
    };

    // The latent lists level 0 first, as the library does.
    private static Part<BaseDensitySpec> Bases(Node[] bases, ForeignWeights source)
    {
        var weights = new Dictionary<string, WeightTensor>(StringComparer.Ordinal);
        var levels = new List<Level>();
        foreach (Node node in bases)
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
