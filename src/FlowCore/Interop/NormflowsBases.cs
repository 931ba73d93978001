using FlowCore.Checkpoints;
using FlowCore.Densities;

namespace FlowCore.Interop;

/// <summary>normflows' base distributions.</summary>
internal static class NormflowsBases
{
    public static Part<BaseDensitySpec> Of(DescribedNode node, ForeignWeights source)
    {
        DescribedNode args = node["args"];
        string prefix = node["key_prefix"].Text.TrimEnd('.');
        return node["type"].Text switch
        {
            "DiagGaussian" => Diagonal(source, prefix),
            "ClassCondDiagGaussian" => ByClass(source, prefix),
            "GlowBase" => Glow(args, source, prefix),
            "ConditionalDiagGaussian" => Conditional(args, source, prefix),
            "GaussianMixture" => Mixture(source, prefix),
            "Uniform" => Box(args, source, prefix),
            "UniformGaussian" => UniformNormal(args, source, prefix),
            "AffineGaussian" => Affine(args, source, prefix),
            "GaussianPCA" => throw node.Error("the base 'GaussianPCA' is not a density: its log_prob does not integrate to one"),
            var other => throw node.Error(
                $"the base '{other}' is not supported; supported are DiagGaussian, ClassCondDiagGaussian, GlowBase, ConditionalDiagGaussian, GaussianMixture, Uniform, UniformGaussian and AffineGaussian"),
        };
    }

    private static Part<BaseDensitySpec> Diagonal(ForeignWeights source, string prefix)
    {
        WeightTensor loc = source.Take($"{prefix}.loc"), scale = source.Take($"{prefix}.log_scale");
        return Part.Of<BaseDensitySpec>(new DiagonalNormalSpec(), ("loc", loc.Reshape(loc.Count())), ("log_scale", scale.Reshape(loc.Count())));
    }

    // The class is the last axis of the library's tables, the first of ours.
    private static Part<BaseDensitySpec> ByClass(ForeignWeights source, string prefix)
    {
        WeightTensor Table(string name)
        {
            WeightTensor table = source.Take($"{prefix}.{name}");
            return table.Reshape(table.Count() / table.Shape[^1], table.Shape[^1]).Transpose();
        }
        return Part.Of<BaseDensitySpec>(new ClassNormalSpec(), ("loc", Table("loc")), ("log_scale", Table("log_scale")));
    }

    private static Part<BaseDensitySpec> Glow(DescribedNode args, ForeignWeights source, string prefix)
    {
        int channels = args["shape"].Shape[0];
        bool byClass = args.Optional("num_classes") is { Int: > 0 };
        var weights = new List<(string, WeightTensor)>();
        foreach (string name in new[] { "loc", "loc_logs", "log_scale", "log_scale_logs" })
            weights.Add((name, source.Take($"{prefix}.{name}").Reshape(channels)));
        if (byClass)
            foreach (string name in new[] { "loc_cc", "log_scale_cc" })
                weights.Add((name, source.Take($"{prefix}.{name}")));
        var spec = new GlowNormalSpec { Channels = channels, ByClass = byClass, LogscaleFactor = args.Optional("logscale_factor")?.Number ?? 3 };
        return Part.Of<BaseDensitySpec>(spec, [.. weights]);
    }

    private static Part<BaseDensitySpec> Conditional(DescribedNode args, ForeignWeights source, string prefix)
    {
        LayerList layers = NormflowsNetworks.Mlp(args["context_encoder"], source, $"{prefix}.context_encoder");
        var (spec, weights) = layers.AfterContext().Network();
        var part = new Part<BaseDensitySpec>(new ConditionalNormalSpec { Conditioner = spec }, []);
        foreach (var (name, tensor) in weights)
            part.Weights.Add($"conditioner.{name}", tensor);
        return part;
    }

    private static Part<BaseDensitySpec> Mixture(ForeignWeights source, string prefix)
    {
        WeightTensor loc = source.Take($"{prefix}.loc").AsDoubles();
        long components = loc.Shape[^2], width = loc.Shape[^1];
        return Part.Of<BaseDensitySpec>(new GaussianMixtureSpec { Components = (int)components },
            ("loc", loc.Reshape(components, width)), ("log_scale", source.Take($"{prefix}.log_scale").AsDoubles().Reshape(components, width)),
            ("weight_scores", source.Take($"{prefix}.weight_scores").AsDoubles().Reshape(components)));
    }

    private static Part<BaseDensitySpec> UniformNormal(DescribedNode args, ForeignWeights source, string prefix)
    {
        int width = args["ndim"].Int;
        int[] uniform = source.Take($"{prefix}.ind").ToInts();
        source.Drop($"{prefix}.ind_", $"{prefix}.inv_perm");
        return Part.Of<BaseDensitySpec>(new UniformNormalSpec { Uniform = uniform }, ("scale", source.Take($"{prefix}.scale").Broadcast(width)));
    }

    // A constant affine map of a standard normal is a normal: one value for each channel, or for each value, with what a class adds.
    private static Part<BaseDensitySpec> Affine(DescribedNode args, ForeignWeights source, string prefix)
    {
        int[] shape = args["shape"].Shape, affine = args["affine_shape"].Shape;
        int[] sizes = Array.TrueForAll(affine[1..], size => size == 1) ? [shape[0], .. affine[1..]] : shape;
        int count = sizes.Aggregate(1, (product, size) => product * size);
        bool byClass = source.Has($"{prefix}.transform.s_cc");
        WeightTensor zeros = TensorSurgery.Floats(new float[count], count);
        var weights = new List<(string, WeightTensor)>
        {
            ("loc", source.Take($"{prefix}.transform.t").Expand(sizes).Reshape(count)), ("loc_logs", zeros),
            ("log_scale", source.Take($"{prefix}.transform.s").Expand(sizes).Reshape(count)), ("log_scale_logs", zeros),
        };
        if (byClass)
            foreach (var (ours, theirs) in new[] { ("loc_cc", "t_cc"), ("log_scale_cc", "s_cc") })
            {
                WeightTensor table = source.Take($"{prefix}.transform.{theirs}");
                int classes = (int)table.Shape[0];
                weights.Add((ours, table.Reshape([classes, .. affine.Select(size => (long)size)]).Expand([classes, .. sizes]).Reshape(classes, count)));
            }
        return Part.Of<BaseDensitySpec>(new GlowNormalSpec { Channels = count, ByClass = byClass }, [.. weights]);
    }

    private static Part<BaseDensitySpec> Box(DescribedNode args, ForeignWeights source, string prefix)
    {
        int width = args["shape"].Shape.Aggregate(1, (product, size) => product * size);
        WeightTensor Bound(string key, string argument) => source.Has($"{prefix}.{key}")
            ? source.Take($"{prefix}.{key}").Broadcast(width)
            : TensorSurgery.Floats([(float)args[argument].Number], 1).Broadcast(width);
        return Part.Of<BaseDensitySpec>(new BoxUniformSpec(), ("lower", Bound("low", "low")), ("upper", Bound("high", "high")));
    }
}
