using FlowCore.Bijections;
using FlowCore.Bijections.Elements;

namespace FlowCore.Interop;

/// <summary>One normflows layer on vectors, as bijections in the order from data to latents.</summary>
internal static class NormflowsLayers
{
    public static Part<BijectionSpec>[] Of(Node layer, ForeignWeights source, int features)
    {
        Node args = layer["args"];
        string prefix = layer["key_prefix"].Text.TrimEnd('.');
        return layer["type"].Text switch
        {
            "AffineCouplingBlock" => [AffineCoupling(args, source, prefix, features)],
            "MaskedAffineFlow" => [MaskedAffine(args, source, prefix, features)],
            "ActNorm" => [ScaleAndShift(source, prefix, features, initialized: $"{prefix}.data_dep_init_done")],
            "AffineConstFlow" => [ScaleAndShift(source, prefix, features, initialized: null)],
            "Permute" => [Part.Of<BijectionSpec>(new PermutationSpec { Order = FeatureOrder.Explicit, Indices = Order(layer, args, source, prefix, features) })],
            "InvertibleAffine" => [Matrix(args, source, prefix, features)],
            "LULinearPermute" => LuLinear(source, prefix, features),
            "CoupledRationalQuadraticSpline" or "CircularCoupledRationalQuadraticSpline" => [NormflowsSplines.Coupled(args, source, prefix, features)],
            "AutoregressiveRationalQuadraticSpline" or "CircularAutoregressiveRationalQuadraticSpline" => [NormflowsSplines.Autoregressive(args, source, prefix, features)],
            "PeriodicWrap" or "PeriodicShift" => [Wrap(layer, args, source, prefix)],
            "Composite" => [.. args["flows"].Items.Reverse().SelectMany(inner => Of(inner, source, features))],
            "Reverse" => [.. Of(args["flow"], source, features).Reverse().Select(part => part.Inverted())],
            "MaskedAffineAutoregressive" => [MaskedAutoregressive(args, source, prefix, features)],
            var other => throw layer.Error(Refusal(other)),
        };
    }

    private static string Refusal(string type) => type switch
    {
        "Planar" or "Radial" => $"the layer '{type}' has no closed inverse: a flow with it cannot be served in both directions",
        "Residual" => "the layer 'Residual' has a stochastic log-determinant: its density is not exact",
        "BatchNorm" => "the layer 'BatchNorm' uses the statistics of each batch and has no inverse",
        "MetropolisHastings" or "HamiltonianMonteCarlo" => $"the layer '{type}' is stochastic: its density is not exact",
        _ => $"the layer '{type}' is not supported",
    };

    private static Part<BijectionSpec> AffineCoupling(Node args, ForeignWeights source, string prefix, int features)
    {
        int half = (features + 1) / 2;
        CouplingMask mask = args["split_mode"].Text switch
        {
            "channel" => CouplingMask.Explicit([.. Enumerable.Range(0, features).Select(i => i >= half)]),
            "channel_inv" => CouplingMask.Explicit([.. Enumerable.Range(0, features).Select(i => i < half)]),
            var other => throw args.Error($"split_mode: '{other}' does not work on vectors"),
        };
        LayerList network = NormflowsNetworks.Mlp(args["param_map"], source, $"{prefix}.flows.1.param_map");
        var (spec, weights) = network.Network();
        // The library's forward samples: x = z * scale + shift, which this turns round.
        return Part.Bijection(new CouplingSpec { Mask = mask, Element = AffineElement(args), Conditioner = spec }, ("conditioner", weights)).Inverted();
    }

    public static AffineElementSpec AffineElement(Node args) => !args["scale"].Flag
        ? new() { Scale = ScaleMap.None }
        : args["scale_map"].Text switch
        {
            "exp" => new() { Scale = ScaleMap.Exp },
            "sigmoid" => new() { Scale = ScaleMap.Sigmoid, Divide = true },
            "sigmoid_inv" => new() { Scale = ScaleMap.Sigmoid },
            var other => throw args.Error($"scale_map: '{other}' is not supported"),
        };

    private static Part<BijectionSpec> MaskedAffine(Node args, ForeignWeights source, string prefix, int features)
    {
        double[] b = source.Take($"{prefix}.b").ToDoubles();
        if (b.Length != features || b.Any(value => value is not (0 or 1)))
            throw args.Error($"b: must hold a 0 or a 1 for each of {features} features");
        int[] kept = [.. Enumerable.Range(0, features).Where(i => b[i] == 1)], transformed = [.. Enumerable.Range(0, features).Where(i => b[i] == 0)];

        LayerList? Branch(string name)
        {
            if (args.Optional(name) is not { } net)
                return null;
            LayerList layers = NormflowsNetworks.Mlp(net, source, $"{prefix}.{name}");
            layers.SelectInputs(kept);
            layers.ReorderOutputs(transformed);
            return layers;
        }
        LayerList? shift = Branch("t"), scale = Branch("s");
        var network = new LayerList();
        if (scale is null)
            network = shift ?? Zeros(transformed.Length);
        else
            network.Parallel(shift ?? Zeros(transformed.Length), scale);
        var (spec, weights) = network.Network();
        var element = new AffineElementSpec { Scale = scale is null ? ScaleMap.None : ScaleMap.Exp };
        var mask = CouplingMask.Explicit([.. b.Select(value => value == 0)]);
        return Part.Bijection(new CouplingSpec { Mask = mask, Element = element, Conditioner = spec }, ("conditioner", weights)).Inverted();
    }

    private static LayerList Zeros(int width)
    {
        var layers = new LayerList();
        layers.Add(new Conditioners.Layers.ZerosLayerSpec { Width = width });
        return layers;
    }

    private static Part<BijectionSpec> ScaleAndShift(ForeignWeights source, string prefix, int features, string? initialized)
    {
        if (initialized is not null)
            source.RequireInitialized(initialized);
        return Part.Of<BijectionSpec>(new ActNormSpec(),
            ("log_scale", source.Take($"{prefix}.s").Broadcast(features)), ("shift", source.Take($"{prefix}.t").Broadcast(features))).Inverted();
    }

    /// <summary>The order in which a permutation takes features, or channels, on the way to the latents.</summary>
    public static int[] Order(Node layer, Node args, ForeignWeights source, string prefix, int features)
    {
        switch (args["mode"].Text)
        {
            case "shuffle":
                source.Drop($"{prefix}.perm");
                return source.Take($"{prefix}.inv_perm", features).ToInts();
            case "swap":
                // With an odd number, the way back moves the larger half.
                int half = (features + 1) / 2;
                return [.. Enumerable.Range(half, features - half), .. Enumerable.Range(0, half)];
            case var other:
                throw layer.Error($"mode: '{other}' is not supported");
        }
    }

    private static Part<BijectionSpec> Wrap(Node layer, Node args, ForeignWeights source, string prefix)
    {
        int[] angles = args["ind"].Ints;
        double[] Each(string name) => source.Has($"{prefix}.{name}")
            ? source.Take($"{prefix}.{name}").Broadcast(angles.Length).ToDoubles()
            : args[name].Json.ValueKind == System.Text.Json.JsonValueKind.Array
                ? [.. args[name].Items.Select(value => value.Number)]
                : [.. Enumerable.Repeat(args[name].Number, angles.Length)];
        return Part.Of<BijectionSpec>(new WrapSpec
        {
            Features = angles,
            Bounds = Each("bound"),
            Shifts = layer["type"].Text == "PeriodicShift" ? Each("shift") : null,
        });
    }

    private static Part<BijectionSpec> Matrix(Node args, ForeignWeights source, string prefix, int features) =>
        NormflowsMatrix.Of(args["use_lu"].Flag, source, prefix, features, fromRight: true);

    private static Part<BijectionSpec>[] LuLinear(ForeignWeights source, string prefix, int features)
    {
        int[] permutation = source.Take($"{prefix}.permutation._permutation", features).ToInts();
        return
        [
            Part.Of<BijectionSpec>(new PermutationSpec { Order = FeatureOrder.Explicit, Indices = permutation }),
            LuFactors.Of(source, $"{prefix}.linear", features, 1e-3),
        ];
    }

    private static Part<BijectionSpec> MaskedAutoregressive(Node args, ForeignWeights source, string prefix, int features)
    {
        LayerList network = NormflowsNetworks.Made(args, source, $"{prefix}.autoregressive_net", residual: args["use_residual_blocks"].Flag);
        // Scale first, then shift: the other way round than everywhere else.
        network.ReorderOutputs([.. Enumerable.Range(0, 2 * features).Select(i => i ^ 1)]);
        int[] order = AutoregressiveOrder.Of(network, features, 2);
        var (conditioner, weights) = network.Network();
        var element = new AffineElementSpec { Scale = ScaleMap.Sigmoid, Least = 1e-3 };
        return Part.Bijection(new AutoregressiveSpec { Element = element, Conditioner = conditioner, Order = order }, ("conditioner", weights)).Inverted();
    }
}
