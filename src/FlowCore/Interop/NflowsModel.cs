using FlowCore.Bijections;
using FlowCore.Bijections.Elements;

namespace FlowCore.Interop;

/// <summary>nflows' flows (0.13, 0.14) of vectors and images, also inside sbi: composite transforms, listed from data to noise.</summary>
internal static class NflowsModel
{
    public static Imported Import(DescribedNode root, ForeignWeights source)
    {
        int[] sizes = root.Optional("event_shape")?.Shape ?? [root["event_size"].Int];
        var shape = EventShape.Of(sizes, 0);
        int context = root.Optional("context_size")?.Int ?? 0;
        if (shape.IsImage && context > 0)
            throw root.Error("context_size: a context of images is not supported, for the library hands its networks images of it");
        DescribedNode structure = root["structure"];
        var bijections = new List<Part<BijectionSpec>>();
        Transform(structure["transform"], source, shape, bijections);
        return new Imported(sizes, bijections, NflowsBases.Of(structure["base"], source, shape.Width))
            .Conditioned(context, Embedding.Of(structure.Optional("embedding"), source, context));
    }

    /// <summary>Adds a transform's bijections, and says what shape they lead to.</summary>
    private static EventShape Transform(DescribedNode node, ForeignWeights source, EventShape shape, List<Part<BijectionSpec>> into)
    {
        if (node["type"].Text == "composite")
            return node["layers"].Items.Aggregate(shape, (at, layer) => Transform(layer, source, at, into));
        int before = into.Count;
        if (node["type"].Text == "multiscale_composite")
            into.AddRange(Scales([.. node["layers"].Items], source, shape));
        else if (shape.IsImage)
            OfImages(node, source, shape, into);
        else
            OfVectors(node, source, shape.Features, into);
        into.CameFrom(before, node.Optional("prefix")?.Text ?? "");
        return into.Skip(before).Aggregate(shape, (at, part) => part.Spec.After(at));
    }

    /// <summary>Behind each scale but the last the first half of the channels, of an odd number the larger one, is latent.</summary>
    private static List<Part<BijectionSpec>> Scales(DescribedNode[] scales, ForeignWeights source, EventShape shape)
    {
        var parts = new List<Part<BijectionSpec>>();
        shape = Transform(scales[0], source, shape, parts);
        if (scales.Length == 1)
            return parts;
        int latent = (shape.Channels + 1) / 2;
        var mask = CouplingMask.Explicit([.. Enumerable.Range(0, shape.Channels).Select(i => i < latent)]);
        parts.Add(Parts.Split(mask, SplitOrder.SplitFirst, Scales(scales[1..], source, SplitIndices.Of(mask, shape).Kept)));
        return parts;
    }

    private static void OfImages(DescribedNode node, ForeignWeights source, EventShape shape, List<Part<BijectionSpec>> into)
    {
        string type = node["type"].Text;
        switch (type)
        {
            case "affine_coupling" or "additive_coupling" or "rqs_coupling":
                into.AddRange(Coupling(node, source, shape));
                break;
            case "squeeze":
                if (node.Optional("factor") is { Int: not 2 } factor)
                    throw factor.Error("a squeeze by another factor than 2 is not supported");
                into.Add(Part.Of<BijectionSpec>(new SqueezeSpec()));
                break;
            case "one_by_one_conv":
                string prefix = node["prefix"].Text;
                into.Add(NormflowsMatrix.Permutation(source.Take($"{prefix}.permutation._permutation", shape.Channels).ToInts()));
                into.Add(LuFactors.Of(source, prefix, shape.Channels, node.Optional("eps")?.Number ?? 1e-3));
                break;
            case "permutation":
                into.Add(NormflowsMatrix.Permutation(PermutationOf(node, source)));
                break;
            case "rqs_cdf":
                into.Add(Spline(node, source, shape));
                break;
            case "act_norm":
                into.Add(ActNorm(node["prefix"].Text, source, shape.Channels));
                break;
            case "pointwise_affine":
                into.Add(PointwiseAffine(node, source, shape.Channels));
                break;
            default:
                throw node.Error($"the transform '{type}' is not supported on images");
        }
    }

    private static void OfVectors(DescribedNode node, ForeignWeights source, int features, List<Part<BijectionSpec>> into)
    {
        var shape = new EventShape([features], 0);
        switch (node["type"].Text)
        {
            case "masked_affine_autoregressive":
                into.Add(MadeTransform(node, source, features, NflowsScale.Of(node["scale"], node["epsilon"].Number)));
                break;
            case "masked_rqs_autoregressive":
                into.Add(MadeTransform(node, source, features, NflowsSpline.Of(node["spline"])));
                break;
            case "masked_umnn_autoregressive":
                into.Add(Integrals(node, source, features));
                break;
            case "affine_coupling" or "additive_coupling" or "rqs_coupling" or "umnn_coupling":
                into.AddRange(Coupling(node, source, shape));
                break;
            case "permutation":
                into.Add(Part.Of<BijectionSpec>(new PermutationSpec { Order = FeatureOrder.Explicit, Indices = PermutationOf(node, source) }));
                break;
            case "lu_linear" or "naive_linear" or "qr_linear" or "svd_linear" or "householder":
                into.AddRange(NflowsLinear.Of(node, source, features));
                break;
            case "rqs_cdf":
                into.Add(Spline(node, source, shape));
                break;
            case "inverse":
                var inner = new List<Part<BijectionSpec>>();
                Transform(node["transform"], source, shape, inner);
                into.AddRange(inner.AsEnumerable().Reverse().Select(part => part.Inverted()));
                break;
            case "pointwise":
                source.Drop($"{node["prefix"].Text}.temperature");
                into.AddRange(PointwiseMaps.Of(node, features));
                break;
            case "pointwise_affine":
                into.Add(PointwiseAffine(node, source, features));
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

    private static Part<BijectionSpec> MadeTransform(DescribedNode node, ForeignWeights source, int features, ElementSpec element)
    {
        DescribedNode net = node["net"];
        return MadeTransform(NflowsNetworks.Made(net, source), features, element, net["outputs"].Int / features);
    }

    private static Part<BijectionSpec> MadeTransform(DescribedNode node, ForeignWeights source, int features, NflowsScale scale)
    {
        if (scale.Factor != 1)
            throw node.Error("scale: a factor before the scale of an autoregressive layer is not supported");
        LayerList network = NflowsNetworks.Made(node["net"], source);
        // The library emits the scale first.
        network.ReorderOutputs([.. Enumerable.Range(0, 2 * features).Select(i => i ^ 1)]);
        scale.Apply(network, features);
        return MadeTransform(network, features, scale.Element, 2);
    }

    private static Part<BijectionSpec> MadeTransform(LayerList network, int features, ElementSpec element, int parameters)
    {
        int[] order = AutoregressiveOrder.Of(network, features, parameters);
        var (spec, weights) = network.Network();
        return Part.Bijection(new AutoregressiveSpec { Element = element, Conditioner = spec, Order = order }, ("conditioner", weights));
    }

    private static Part<BijectionSpec> Integrals(DescribedNode node, ForeignWeights source, int features)
    {
        IntegralElementSpec element = FeatureNetworks.Integral(node["integral"]);
        LayerList network = NflowsNetworks.Made(node["net"], source);
        network.ReorderOutputs(FirstSignalTwice(features, element.Signal));
        Part<BijectionSpec> part = MadeTransform(network, features, element, element.CheckedParameterCount(features));
        return Part.Bijection(part.Spec, ("", part.Weights), ("element", FeatureNetworks.Weights(node["integral"], element, source)));
    }

    /// <summary>What the library adds to an integral is the first number of its signal, too.</summary>
    private static int[] FirstSignalTwice(int features, int signal) =>
        [.. Enumerable.Range(0, features).SelectMany(i => Enumerable.Range(0, signal).Append(0).Select(p => i * signal + p))];

    private static Part<BijectionSpec>[] Coupling(DescribedNode node, ForeignWeights source, EventShape shape)
    {
        int features = shape.Channels;
        string type = node["type"].Text, prefix = node["prefix"].Text;
        int[] transformed = Indices(node, source, "transform_features"), kept = Indices(node, source, "identity_features");
        if (!transformed.Concat(kept).Order().SequenceEqual(Enumerable.Range(0, features)))
            throw node.Error($"identity_features and transform_features must hold each {(shape.IsImage ? "channel" : "feature")} once");
        LayerList network = shape.IsImage ? NflowsNetworks.Convolutional(node["net"], source) : NflowsNetworks.Coupling(node["net"], source);
        NflowsScale? scale = type == "affine_coupling" ? NflowsScale.Of(node["scale"]) : null;
        ElementSpec element = type switch
        {
            "additive_coupling" => new AffineElementSpec { Scale = ScaleMap.None },
            "affine_coupling" => scale!.Element,
            "umnn_coupling" => FeatureNetworks.Integral(node["integral"]),
            _ => NflowsSpline.Of(node["spline"]),
        };
        int parameters = element.CheckedParameterCount(transformed.Length);
        // The library emits features in the order of its index list, ours is ascending; an affine coupling emits all shifts, then all scales.
        int[] rank = [.. Enumerable.Range(0, transformed.Length).OrderBy(i => transformed[i])];
        if (element is IntegralElementSpec { Signal: var signal })
            network.ReorderOutputs(FirstSignalTwice(transformed.Length, signal));
        network.ReorderOutputs(type is "rqs_coupling" or "umnn_coupling"
            ? [.. rank.SelectMany(i => Enumerable.Range(0, parameters).Select(p => i * parameters + p))]
            : [.. rank.SelectMany(i => Enumerable.Range(0, parameters).Select(p => p * transformed.Length + i))]);
        scale?.Apply(network, transformed.Length);
        Part<BijectionSpec>[] before = scale?.Before(features, transformed) is { } scaled ? [scaled] : [];
        if (!kept.SequenceEqual(kept.Order()))
            throw node.Error("identity_features: are not ascending; the library's own couplings list them so");

        var inside = FeatureNetworks.Weights(type == "umnn_coupling" ? node["integral"] : node, element, source);
        // With nothing to keep, the parameters come from the context alone.
        if (kept.Length == 0 && !shape.IsImage)
        {
            var (byContext, own) = network.AfterContext().Network();
            return [.. before, Part.Bijection(new ElementwiseSpec { Element = element, Conditioner = byContext }, ("conditioner", own), ("element", inside))];
        }
        var (conditioner, weights) = network.Network();
        var spec = new CouplingSpec
        {
            Mask = CouplingMask.Explicit([.. Enumerable.Range(0, features).Select(i => transformed.Contains(i))]),
            Element = element,
            Conditioner = conditioner,
        };
        if (node.Optional("unconditional") is not { } unconditional)
            return [.. before, Part.Bijection(spec, ("conditioner", weights), ("element", inside))];
        return [.. before, Part.Bijection(
            spec with { KeptElement = NflowsSpline.Of(unconditional) },
            ("conditioner", weights), ("", new() { ["kept_parameters"] = NflowsSpline.Constants(source, unconditional["prefix"].Text, [kept.Length, .. shape.Sizes[1..]]) }))];
    }

    private static Part<BijectionSpec> Spline(DescribedNode node, ForeignWeights source, EventShape shape) => Part.Of<BijectionSpec>(
        new ElementwiseSpec { Element = NflowsSpline.Of(node) }, ("constants", NflowsSpline.Constants(source, node["prefix"].Text, shape.Sizes)));

    private static Part<BijectionSpec> PointwiseAffine(DescribedNode node, ForeignWeights source, int channels)
    {
        string[] keys = [.. node["tensors"].Items.Select(key => key.Text)];
        return Part.Of<BijectionSpec>(new ScaleShiftSpec(), ("shift", source.Take(keys[0]).Broadcast(channels)), ("scale", source.Take(keys[1]).Broadcast(channels)));
    }

    private static int[] Indices(DescribedNode node, ForeignWeights source, string name)
    {
        string key = $"{node["prefix"].Text}.{name}";
        int[] stated = node[name].Ints;
        if (source.Has(key) && !source.Take(key).ToInts().SequenceEqual(stated))
            throw node.Error($"{name}: are not those in the weights ('{key}')");
        return stated;
    }

    private static int[] PermutationOf(DescribedNode node, ForeignWeights source)
    {
        int[] indices = source.Take($"{node["prefix"].Text}._permutation").ToInts();
        if (node.Optional("permutation") is { } stated && !stated.Ints.SequenceEqual(indices))
            throw node.Error("permutation: is not the one in the weights");
        return indices;
    }

    private static Part<BijectionSpec> BatchNorm(DescribedNode node, ForeignWeights source, int features)
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
