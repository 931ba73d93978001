using FlowCore.Bijections;
using FlowCore.Bijections.Elements;

namespace FlowCore.Interop;

/// <summary>nflows' flows (0.13, 0.14), also inside sbi: composite transforms, listed from data to noise.</summary>
internal static class NflowsModel
{
    public static Imported Import(Node root, ForeignWeights source)
    {
        int features = root["event_size"].Int, context = root.Optional("context_size")?.Int ?? 0;
        Node structure = root["structure"];
        var bijections = new List<Part<BijectionSpec>>();
        Transform(structure["transform"], source, features, bijections);
        return new Imported([features], bijections, NflowsBases.Of(structure["base"], source, features))
            .Conditioned(context, Embedding.Of(structure.Optional("embedding"), source, context));
    }

    private static void Transform(Node node, ForeignWeights source, int features, List<Part<BijectionSpec>> into)
    {
        switch (node["type"].Text)
        {
            case "composite":
                foreach (Node layer in node["layers"].Items)
                    Transform(layer, source, features, into);
                break;
            case "masked_affine_autoregressive":
                into.Add(MadeTransform(node, source, features, new AffineElementSpec { Scale = ScaleMap.Softplus, Least = node["epsilon"].Number }, scaleFirst: true));
                break;
            case "masked_rqs_autoregressive":
                into.Add(MadeTransform(node, source, features, NflowsSpline.Of(node["spline"]), scaleFirst: false));
                break;
            case "affine_coupling" or "additive_coupling" or "rqs_coupling":
                into.Add(Coupling(node, source, features));
                break;
            case "permutation":
                into.Add(Permutation(node, source));
                break;
            case "lu_linear" or "naive_linear" or "qr_linear" or "svd_linear" or "householder":
                into.AddRange(NflowsLinear.Of(node, source, features));
                break;
            case "rqs_cdf":
                into.Add(Part.Of<BijectionSpec>(new ElementwiseSpec { Element = NflowsSpline.Of(node) }, ("constants", NflowsSpline.Constants(source, node["prefix"].Text))));
                break;
            case "inverse":
                var inner = new List<Part<BijectionSpec>>();
                Transform(node["transform"], source, features, inner);
                into.AddRange(inner.AsEnumerable().Reverse().Select(part => part.Inverted()));
                break;
            case "pointwise_affine":
                string[] keys = [.. node["tensors"].Items.Select(key => key.Text)];
                into.Add(Part.Of<BijectionSpec>(new ScaleShiftSpec(),
                    ("shift", source.Take(keys[0]).Broadcast(features)), ("scale", source.Take(keys[1]).Broadcast(features))));
                break;
            case "batch_norm_flow":
                into.Add(BatchNorm(node, source, features));
                break;
            case "act_norm":
                into.Add(ActNorm(node["prefix"].Text, source, features));
                break;
            case var other:
                throw node.Error($"the transform '{other}' is not supported");
        }
    }

    private static Part<BijectionSpec> MadeTransform(Node node, ForeignWeights source, int features, ElementSpec element, bool scaleFirst)
    {
        Node net = node["net"];
        LayerList network = NflowsNetworks.Made(net, source);
        int parameters = net["outputs"].Int / features;
        if (scaleFirst)
            network.ReorderOutputs([.. Enumerable.Range(0, 2 * features).Select(i => i ^ 1)]);
        int[] order = AutoregressiveOrder.Of(network, features, parameters);
        var (spec, weights) = network.Network();
        return Part.Bijection(new AutoregressiveSpec { Element = element, Conditioner = spec, Order = order }, ("conditioner", weights));
    }

    private static Part<BijectionSpec> Coupling(Node node, ForeignWeights source, int features)
    {
        string type = node["type"].Text, prefix = node["prefix"].Text;
        int[] transformed = Indices(node, source, "transform_features"), kept = Indices(node, source, "identity_features");
        if (!transformed.Concat(kept).Order().SequenceEqual(Enumerable.Range(0, features)))
            throw node.Error("identity_features and transform_features must hold each feature once");
        LayerList network = NflowsNetworks.Coupling(node["net"], source);
        ElementSpec element = type switch
        {
            "additive_coupling" => new AffineElementSpec { Scale = ScaleMap.None },
            "affine_coupling" => AffineElement(node["scale"]),
            _ => NflowsSpline.Of(node["spline"]),
        };
        int parameters = FlowBuilder.Build(element, new EventShape([transformed.Length], 0)).Parameters;
        // The library emits features in the order of its index list, ours is ascending; an affine coupling emits all shifts, then all scales.
        int[] rank = [.. Enumerable.Range(0, transformed.Length).OrderBy(i => transformed[i])];
        network.ReorderOutputs(type == "rqs_coupling"
            ? [.. rank.SelectMany(i => Enumerable.Range(0, parameters).Select(p => i * parameters + p))]
            : [.. rank.SelectMany(i => Enumerable.Range(0, parameters).Select(p => p * transformed.Length + i))]);
        if (!kept.SequenceEqual(kept.Order()))
            throw node.Error("identity_features: are not ascending; the library's own couplings list them so");

        // With nothing to keep, the parameters come from the context alone.
        if (kept.Length == 0)
        {
            var (byContext, own) = network.AfterContext().Network();
            return Part.Bijection(new ElementwiseSpec { Element = element, Conditioner = byContext }, ("conditioner", own));
        }
        var (conditioner, weights) = network.Network();
        var spec = new CouplingSpec
        {
            Mask = CouplingMask.Explicit([.. Enumerable.Range(0, features).Select(i => transformed.Contains(i))]),
            Element = element,
            Conditioner = conditioner,
        };
        if (node.Optional("unconditional") is not { } unconditional)
            return Part.Bijection(spec, ("conditioner", weights));
        return Part.Bijection(
            spec with { KeptElement = NflowsSpline.Of(unconditional) },
            ("conditioner", weights), ("", new() { ["kept_parameters"] = NflowsSpline.Constants(source, unconditional["prefix"].Text) }));
    }

    private static AffineElementSpec AffineElement(Node scale) => scale.Text switch
    {
        "sigmoid(a+2)+1e-3" => new() { Scale = ScaleMap.Sigmoid, Least = 1e-3 },
        "clamp(softplus(a)+1e-3, 0, 3)" => new() { Scale = ScaleMap.Softplus, Least = 1e-3, Most = 3 },
        var other => throw scale.Error($"the scale '{other}' is not supported; supported are sigmoid(a+2)+1e-3 and clamp(softplus(a)+1e-3, 0, 3)"),
    };

    private static int[] Indices(Node node, ForeignWeights source, string name)
    {
        string key = $"{node["prefix"].Text}.{name}";
        int[] stated = node[name].Ints;
        if (source.Has(key) && !source.Take(key).ToInts().SequenceEqual(stated))
            throw node.Error($"{name}: are not those in the weights ('{key}')");
        return stated;
    }

    private static Part<BijectionSpec> Permutation(Node node, ForeignWeights source)
    {
        int[] indices = source.Take($"{node["prefix"].Text}._permutation").ToInts();
        if (node.Optional("permutation") is { } stated && !stated.Ints.SequenceEqual(indices))
            throw node.Error("permutation: is not the one in the weights");
        return Part.Of<BijectionSpec>(new PermutationSpec { Order = FeatureOrder.Explicit, Indices = indices });
    }

    private static Part<BijectionSpec> BatchNorm(Node node, ForeignWeights source, int features)
    {
        string prefix = node["prefix"].Text;
        return Part.Of<BijectionSpec>(new BatchNormSpec { Epsilon = node["eps"].Number },
            ("weight", source.Take($"{prefix}.unconstrained_weight", features)), ("bias", source.Take($"{prefix}.bias", features)),
            ("running_mean", source.Take($"{prefix}.running_mean", features)), ("running_var", source.Take($"{prefix}.running_var", features)));
    }

    private static Part<BijectionSpec> ActNorm(string prefix, ForeignWeights source, int features)
    {
        source.RequireInitialized($"{prefix}.initialized");
        return Part.Of<BijectionSpec>(new ActNormSpec(),
            ("log_scale", source.Take($"{prefix}.log_scale", features)), ("shift", source.Take($"{prefix}.shift", features)));
    }
}
