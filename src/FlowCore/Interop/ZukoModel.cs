using FlowCore.Bijections;
using FlowCore.Checkpoints;
using FlowCore.Densities;

namespace FlowCore.Interop;

/// <summary>
/// zuko's flows (versions 1.0 to 1.6): composed lazy transforms, listed from data to latents. Masks and orders are read from the
/// checkpoint, never rebuilt.
/// </summary>
internal static class ZukoModel
{
    public static Imported Import(DescribedNode root, ForeignWeights source)
    {
        int features = root["event_size"].Int, context = root.Optional("context_size")?.Int ?? 0;
        DescribedNode structure = root["structure"];
        var bijections = new List<Part<BijectionSpec>>();
        Transform(structure["transform"], source, features, bijections);
        return new Imported([features], bijections, Base(structure["base"], source, features))
            .Conditioned(context, Embedding.Of(structure.Optional("embedding"), source, context));
    }

    private static void Transform(DescribedNode node, ForeignWeights source, int features, List<Part<BijectionSpec>> into)
    {
        int before = into.Count;
        switch (node["type"].Text)
        {
            case "composed":
                foreach (DescribedNode layer in node["layers"].Items)
                    Transform(layer, source, features, into);
                return;
            case "masked_autoregressive":
                into.Add(Autoregressive(node, source, features));
                break;
            case "coupling":
                into.Add(Coupling(node, source, features));
                break;
            case "elementwise":
                into.Add(Elementwise(node, source, features));
                break;
            case "inverse":
                var inner = new List<Part<BijectionSpec>>();
                Transform(node["transform"], source, features, inner);
                into.AddRange(inner.AsEnumerable().Reverse().Select(part => part.Inverted()));
                break;
            case "pointwise":
                into.AddRange(PointwiseMaps.Of(node, features));
                break;
            case "unconditional":
                into.Add(Unconditional(node, source, features));
                break;
            case "cnf":
                throw node.Error("a continuous flow (CNF) has no exact log-density: it integrates an equation; only exact flows are served");
            case var other:
                throw node.Error($"the transform '{other}' is not supported");
        }
        into.CameFrom(before, node.Optional("prefix")?.Text ?? "");
    }

    private static Part<BijectionSpec> Autoregressive(DescribedNode node, ForeignWeights source, int features)
    {
        ElementSpec element = ZukoElements.Of(node["univariate"]);
        string prefix = node["prefix"].Text;
        LayerList network = ZukoNetwork.Of(node["hyper"], source);
        int[]? order = node.Optional("order")?.Ints;
        if (source.Has($"{prefix}.order"))
        {
            int[] stored = source.Take($"{prefix}.order").ToInts();
            if (order is not null && !order.SequenceEqual(stored))
                throw node.Error($"order: is not the one in the weights ('{prefix}.order')");
            order = stored;
        }
        // Where the user gave an adjacency matrix there is no order: the masks tell it.
        order ??= AutoregressiveOrder.Of(network, features, element.CheckedParameterCount(features));
        var (spec, weights) = network.Network();
        return Part.Bijection(
            new AutoregressiveSpec { Element = element, Conditioner = spec, Order = WithoutGaps(order) },
            ("conditioner", weights), ("element", FeatureNetworks.Weights(node["univariate"], element, source)));
    }

    private static Part<BijectionSpec> Coupling(DescribedNode node, ForeignWeights source, int features)
    {
        string prefix = node["prefix"].Text;
        int[] mask = node["mask"].Ints;
        if (mask.Length != features)
            throw node.Error($"mask: has {mask.Length} entries for {features} features");
        if (source.Has($"{prefix}.mask") && !source.Take($"{prefix}.mask").ToInts().SequenceEqual(mask))
            throw node.Error($"mask: is not the one in the weights ('{prefix}.mask')");
        ElementSpec element = ZukoElements.Of(node["univariate"]);
        var (spec, weights) = ZukoNetwork.Of(node["hyper"], source).Network();
        // zuko's True means kept, ours means transformed.
        return Part.Bijection(
            new CouplingSpec
            {
                Mask = CouplingMask.Explicit([.. mask.Select(bit => bit == 0)]),
                Element = element,
                Conditioner = spec,
            },
            ("conditioner", weights), ("element", FeatureNetworks.Weights(node["univariate"], element, source)));
    }

    private static Part<BijectionSpec> Elementwise(DescribedNode node, ForeignWeights source, int features)
    {
        ElementSpec element = ZukoElements.Of(node["univariate"]);
        var own = FeatureNetworks.Weights(node["univariate"], element, source);
        if (node.Optional("hyper") is { } hyper)
        {
            var (spec, weights) = ZukoNetwork.Of(hyper, source).Network();
            return Part.Bijection(new ElementwiseSpec { Element = element, Conditioner = spec }, ("conditioner", weights), ("element", own));
        }
        WeightTensor[] parameters = [.. node["tensors"].Items.Select(key => source.Take(key.Text))];
        WeightTensor constants = TensorSurgery.SideBySide([.. parameters.Select(tensor => tensor.Reshape(features, tensor.Count() / features))]);
        return Part.Bijection(new ElementwiseSpec { Element = element }, ("", new() { ["constants"] = constants }), ("element", own));
    }

    private static Part<BijectionSpec> Unconditional(DescribedNode node, ForeignWeights source, int features)
    {
        string prefix = node["prefix"].Text;
        string[] tensors = [.. node.Optional("tensors")?.Items.Select(name => $"{prefix}.{name.Text}") ?? []];
        switch (node["function"].Text)
        {
            case "MonotonicAffineTransform" when tensors.Length == 2:
                return Part.Of<BijectionSpec>(new ElementwiseSpec { Element = ZukoElements.Affine(node["numbers"]) }, ("constants",
                    TensorSurgery.SideBySide(source.Take(tensors[0]).Broadcast(features).Reshape(features, 1), source.Take(tensors[1]).Broadcast(features).Reshape(features, 1))));
            case "AffineTransform" when tensors.Length == 2:
                return Part.Of<BijectionSpec>(new ScaleShiftSpec(),
                    ("shift", source.Take(tensors[0]).Broadcast(features)), ("scale", source.Take(tensors[1]).Broadcast(features)));
            case "RotationTransform" when tensors.Length == 1:
                return Part.Of<BijectionSpec>(new RotationSpec(), ("generator", source.Take(tensors[0], features, features)));
            case "AdditiveTransform" when tensors.Length == 1:
                return Part.Of<BijectionSpec>(new ScaleShiftSpec(),
                    ("shift", source.Take(tensors[0]).Broadcast(features)), ("scale", TensorSurgery.Floats([1], 1).Broadcast(features)));
            case "PermutationTransform" when tensors.Length == 1:
                int[] order = source.Take(tensors[0], features).ToInts();
                return Part.Of<BijectionSpec>(new PermutationSpec { Order = FeatureOrder.Explicit, Indices = order });
            case "LULinearTransform" when tensors.Length == 1:
                return Part.Of<BijectionSpec>(new MatrixSpec { Form = MatrixForm.Plain }, ("weight", LowerTimesUnitUpper(source.Take(tensors[0], features, features))));
            case "SoftclipTransform":
                return Part.Of<BijectionSpec>(new SoftclipSpec { Bound = node["numbers"]["bound"].Number });
            case var other:
                throw node.Error($"the transform '{other}' is not supported; export the flow without it and transform the data outside");
        }
    }

    // Lower triangle with its diagonal, times the upper one with a diagonal of ones.
    private static WeightTensor LowerTimesUnitUpper(WeightTensor packed)
    {
        int n = (int)packed.Shape[0];
        double[] entries = packed.ToDoubles(), product = new double[n * n];
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++)
                for (int k = 0; k <= Math.Min(i, j); k++)
                    product[i * n + j] += entries[i * n + k] * (k == j ? 1 : entries[k * n + j]);
        return TensorSurgery.Doubles(product, n, n);
    }

    private static Part<BaseDensitySpec> Base(DescribedNode node, ForeignWeights source, int features)
    {
        string[] keys = [.. node["tensors"].Items.Select(key => key.Text)];
        return node["type"].Text switch
        {
            "diag_normal" when keys.Length == 2 => Part.Of<BaseDensitySpec>(new DiagonalNormalSpec { PlainScale = true },
                ("loc", source.Take(keys[0]).Broadcast(features)), ("scale", source.Take(keys[1]).Broadcast(features))),
            "box_uniform" when keys.Length == 2 => Part.Of<BaseDensitySpec>(new BoxUniformSpec(),
                ("lower", source.Take(keys[0]).Broadcast(features)), ("upper", source.Take(keys[1]).Broadcast(features))),
            "multivariate_normal" when keys.Length == 2 => CorrelatedNormal.Of(
                source.Take(keys[0]).Broadcast(features).ToDoubles(), source.Take(keys[1], features, features).ToDoubles(), node["matrix"]),
            var other => throw node.Error($"the base '{other}' with {keys.Length} tensors is not supported"),
        };
    }

    // A group that no feature is in (a randomised order may leave one) needs no pass.
    private static int[] WithoutGaps(int[] order)
    {
        int[] groups = [.. order.Distinct().Order()];
        return [.. order.Select(group => Array.IndexOf(groups, group))];
    }
}
