using FlowCore.Bijections;
using FlowCore.Bijections.Elements;
using FlowCore.Checkpoints;

namespace FlowCore.Interop;

/// <summary>normflows' layers on vectors, and what those on images share with them.</summary>
internal static class NormflowsLayers
{
    /// <summary>Layers that are listed from latents to data, as bijections in the order from data to latents; the shape moves on with them.</summary>
    public static List<Part<BijectionSpec>> All(DescribedNode layers, ForeignWeights source, ref EventShape shape)
    {
        var parts = new List<Part<BijectionSpec>>();
        foreach (DescribedNode layer in layers.Items.Reverse())
            foreach (Part<BijectionSpec> part in Of(layer, source, shape))
            {
                parts.Add(part with { Origin = layer["key_prefix"].Text.TrimEnd('.') });
                shape = part.Spec.After(shape);
            }
        return parts;
    }

    private static IReadOnlyList<Part<BijectionSpec>> Of(DescribedNode layer, ForeignWeights source, EventShape shape)
    {
        DescribedNode args = layer["args"];
        string prefix = layer["key_prefix"].Text.TrimEnd('.');
        return layer["type"].Text switch
        {
            "Composite" => All(args["flows"], source, ref shape),
            "Reverse" => Reversed(args["flow"], source, shape),
            "MaskedAffineFlow" => [NormflowsMasked.Affine(args, source, prefix, shape)],
            "Planar" => [Planar(layer, args, source, prefix, shape)],
            _ when shape.IsImage => NormflowsGlow.Layer(layer, source, shape),
            "AffineCouplingBlock" => [AffineCoupling(args, shape, NormflowsNetworks.Mlp(args["param_map"], source, $"{prefix}.flows.1.param_map"))],
            "ActNorm" => [ConstantAffine(source, prefix, shape, initialized: $"{prefix}.data_dep_init_done")],
            "AffineConstFlow" => [ConstantAffine(source, prefix, shape, initialized: null)],
            "Permute" => [Part.Of<BijectionSpec>(new PermutationSpec { Order = FeatureOrder.Explicit, Indices = Order(layer, args, source, prefix, shape.Features) })],
            "InvertibleAffine" => [NormflowsMatrix.Of(args["use_lu"].Flag, source, prefix, shape.Features, fromRight: true)],
            "LULinearPermute" => LuLinear(source, prefix, shape.Features),
            "CoupledRationalQuadraticSpline" or "CircularCoupledRationalQuadraticSpline" => [NormflowsSplines.Coupled(args, source, prefix, shape.Features)],
            "AutoregressiveRationalQuadraticSpline" or "CircularAutoregressiveRationalQuadraticSpline" => [NormflowsSplines.Autoregressive(args, source, prefix, shape.Features)],
            "PeriodicWrap" or "PeriodicShift" => [Wrap(layer, args, source, prefix)],
            "MaskedAffineAutoregressive" => [MaskedAutoregressive(args, source, prefix, shape.Features)],
            var other => throw layer.Error(Refusal(other, "vectors")),
        };
    }

    private static Part<BijectionSpec>[] Reversed(DescribedNode layer, ForeignWeights source, EventShape shape)
    {
        IReadOnlyList<Part<BijectionSpec>> parts = Of(layer, source, shape);
        if (parts.Count > 1 && parts.Any(part => part.Spec is SqueezeSpec or UnsqueezeSpec))
            throw layer.Error("a composite that squeezes cannot be reversed here; reverse its layers one by one");
        return [.. parts.Reverse().Select(part => part.Inverted())];
    }

    public static string Refusal(string type, string events) => type switch
    {
        "Radial" => "the layer 'Radial' has no closed inverse: a flow with it cannot be served in both directions",
        "Residual" => "the layer 'Residual' has a stochastic log-determinant: its density is not exact",
        "BatchNorm" => "the layer 'BatchNorm' uses the statistics of each batch and has no inverse",
        "CCAffineConst" => "the layer 'CCAffineConst' needs the class, which the library hands to bases alone; use a class-conditional base",
        "MetropolisHastings" or "HamiltonianMonteCarlo" => $"the layer '{type}' is stochastic: its density is not exact",
        _ => $"the layer '{type}' is not supported on {events}",
    };

    public static Part<BijectionSpec> AffineCoupling(DescribedNode args, EventShape shape, LayerList network) =>
        // The library's forward samples: x = z * scale + shift, which this turns round.
        Parts.Coupling(NormflowsSplits.SecondPart(args, args["split_mode"].Text, shape), AffineElement(args), network).Inverted();

    public static AffineElementSpec AffineElement(DescribedNode args) => !args["scale"].Flag
        ? new() { Scale = ScaleMap.None }
        : args["scale_map"].Text switch
        {
            "exp" => new() { Scale = ScaleMap.Exp },
            "sigmoid" => new() { Scale = ScaleMap.Sigmoid, Divide = true },
            "sigmoid_inv" => new() { Scale = ScaleMap.Sigmoid },
            var other => throw args.Error($"scale_map: '{other}' is not supported"),
        };

    private static Part<BijectionSpec> Planar(DescribedNode layer, DescribedNode args, ForeignWeights source, string prefix, EventShape shape)
    {
        if (args["act"].Text != "leaky_relu")
            throw layer.Error($"the layer 'Planar' with '{args["act"].Text}' has no closed inverse: a flow with it cannot be served in both directions; leaky_relu has one");
        WeightTensor u = source.Take($"{prefix}.u", [1, .. shape.Sizes.Select(size => (long)size)]), w = source.Take($"{prefix}.w", u.Shape);
        return Part.Of<BijectionSpec>(new PlanarSpec { Slope = args.Optional("negative_slope")?.Number ?? 0.2 },
            ("u", u.Reshape(shape.Width)), ("w", w.Reshape(shape.Width)), ("b", source.Take($"{prefix}.b", 1))).Inverted();
    }

    /// <summary>ActNorm and AffineConstFlow: one value for each channel, or for each value, or whatever spreads over the event.</summary>
    public static Part<BijectionSpec> ConstantAffine(ForeignWeights source, string prefix, EventShape shape, string? initialized)
    {
        if (initialized is not null)
            source.RequireInitialized(initialized);
        WeightTensor scale = source.Take($"{prefix}.s");
        bool byChannel = !shape.IsImage || scale.Shape is [.., 1, 1];
        int[] sizes = shape.IsImage && byChannel ? [shape.Channels, 1, 1] : shape.Sizes;
        scale = scale.Expand(sizes);
        WeightTensor shift = source.Take($"{prefix}.t").Expand(sizes);
        if (byChannel)
            return Part.Of<BijectionSpec>(new ActNormSpec(), ("log_scale", scale.Reshape(shape.Channels)), ("shift", shift.Reshape(shape.Channels))).Inverted();
        return Part.Of<BijectionSpec>(new ElementwiseSpec { Element = new AffineElementSpec { Scale = ScaleMap.Exp } },
            ("constants", TensorSurgery.SideBySide(shift.Reshape(shape.Width, 1), scale.Reshape(shape.Width, 1)).Reshape([.. scale.Shape, 2]))).Inverted();
    }

    /// <summary>The order in which a permutation takes features, or channels, on the way to the latents.</summary>
    public static int[] Order(DescribedNode layer, DescribedNode args, ForeignWeights source, string prefix, int features)
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

    private static Part<BijectionSpec> Wrap(DescribedNode layer, DescribedNode args, ForeignWeights source, string prefix)
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

    private static Part<BijectionSpec>[] LuLinear(ForeignWeights source, string prefix, int features)
    {
        int[] permutation = source.Take($"{prefix}.permutation._permutation", features).ToInts();
        return
        [
            Part.Of<BijectionSpec>(new PermutationSpec { Order = FeatureOrder.Explicit, Indices = permutation }),
            LuFactors.Of(source, $"{prefix}.linear", features, 1e-3),
        ];
    }

    private static Part<BijectionSpec> MaskedAutoregressive(DescribedNode args, ForeignWeights source, string prefix, int features)
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
