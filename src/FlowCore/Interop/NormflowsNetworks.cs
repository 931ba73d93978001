using System.Globalization;
using FlowCore.Checkpoints;
using FlowCore.Conditioners;
using FlowCore.Conditioners.Layers;

namespace FlowCore.Interop;

/// <summary>normflows' networks on vectors: MLP and the masked one (MADE).</summary>
internal static class NormflowsNetworks
{
    private const double BatchNormEpsilon = 1e-3;

    /// <param name="net">The description: <c>{type, args}</c>.</param>
    /// <param name="source">The weights.</param>
    /// <param name="prefix">The key under which the MLP's <c>net.*</c> lie.</param>
    public static LayerList Mlp(DescribedNode net, ForeignWeights source, string prefix)
    {
        DescribedNode args = net["args"];
        if (net["type"].Text == "Sequential")
        {
            var listed = new LayerList();
            Embedding.AddTo(listed, args, source, context: 0, under: $"{prefix}.");
            return listed;
        }
        if (net["type"].Text != "MLP")
            throw net.Error($"the network '{net["type"].Text}' is not supported here; build it with normflows.nets.MLP, or as an nn.Sequential");
        int[] widths = args["layers"].Ints;
        Activation activation = LeakyRelu(args.Optional("leaky")?.Number ?? 0);
        var layers = new LayerList();
        int index = 0;
        for (int k = 0; k + 1 < widths.Length; k++)
        {
            bool last = k + 2 == widths.Length;
            // A dropout before the last layer takes an index and does nothing.
            if (last && args.Optional("dropout") is not null)
                index++;
            layers.Linear(source, $"{prefix}.net.{index}");
            if (!last)
                layers.Activation(activation);
            index += last ? 1 : 2;
        }
        if (args.Optional("output_fn") is not { } function)
            return layers;
        void Scale(string name)
        {
            if (args.Optional(name) is not { } factor)
                return;
            // The factor is a float32 buffer: what the library multiplies by is that float.
            layers.Add(new ScaleLayerSpec { Factor = source.Has($"{prefix}.net.{index}.scale") ? source.Take($"{prefix}.net.{index}.scale").ToDoubles()[0] : (float)factor.Number });
            index++;
        }
        Scale("score_scale");
        layers.Activation(Activation.Parse(function.Text));
        index++;
        Scale("output_scale");
        return layers;
    }

    /// <summary>The convolutional network of an image coupling, from its own description.</summary>
    public static LayerList Conv(DescribedNode net, ForeignWeights source, string prefix)
    {
        if (net["type"].Text != "ConvNet2d")
            throw net.Error($"the network '{net["type"].Text}' is not supported here; build it with normflows.nets.ConvNet2d");
        return Conv(source, prefix, net["args"].Optional("leaky")?.Number ?? 0, net["args"].Optional("actnorm")?.Flag ?? false,
            net["args"]["channels"].Ints.Length - 1);
    }

    public static LayerList Conv(ForeignWeights source, string prefix, double leaky, bool actNorm, int count = 3)
    {
        var layers = new LayerList();
        int index = 0;
        for (int k = 0; k < count; k++)
        {
            bool last = k == count - 1;
            layers.Conv(source, $"{prefix}.net.{index++}", bias: last || !actNorm);
            if (last)
                break;
            if (actNorm)
            {
                // A wrapper around the library's ActNorm, applied in the direction that samples.
                string norm = $"{prefix}.net.{index++}.actNorm";
                source.RequireInitialized($"{norm}.data_dep_init_done");
                WeightTensor scale = source.Take($"{norm}.s"), shift = source.Take($"{norm}.t");
                layers.Add(new ChannelAffineSpec(), ("log_scale", scale.Reshape(scale.Count())), ("shift", shift.Reshape(shift.Count())));
            }
            layers.Activation(LeakyRelu(leaky));
            index++;
        }
        return layers;
    }

    public static LayerList Made(DescribedNode args, ForeignWeights source, string prefix, bool residual, LayerList? behind = null)
    {
        Activation activation = Activation.Parse(args["activation"].Text);
        bool context = (args.Optional("num_context_channels") ?? args.Optional("context_features")) is { Int: > 0 };
        double? epsilon = args.Optional("use_batch_norm")?.Flag == true ? BatchNormEpsilon : null;
        LayerList layers = behind ?? new();
        NflowsNetworks.Masked(layers, source, $"{prefix}.initial_layer");
        if (context)
            layers.ByContext(new AddContextSpec(), "layer", source, $"{prefix}.context_layer");
        for (int b = 0; b < args["num_blocks"].Int; b++)
        {
            string block = $"{prefix}.blocks.{b}";
            source.Drop($"{block}.degrees");
            if (residual)
            {
                NflowsNetworks.WriteOver(layers, args, activation);
                layers.Residual(inner =>
                {
                    NflowsNetworks.Normalized(inner, source, $"{block}.batch_norm_layers.0", epsilon);
                    if (!NflowsNetworks.WritesOver(args))
                        inner.Activation(activation);
                    NflowsNetworks.Masked(inner, source, $"{block}.linear_layers.0");
                    NflowsNetworks.Normalized(inner, source, $"{block}.batch_norm_layers.1", epsilon);
                    inner.Activation(activation);
                    NflowsNetworks.Masked(inner, source, $"{block}.linear_layers.1");
                    if (context)
                        inner.ByContext(new GateByContextSpec(), "gate", source, $"{block}.context_layer");
                });
            }
            else
            {
                NflowsNetworks.Normalized(layers, source, $"{block}.batch_norm", epsilon);
                NflowsNetworks.Masked(layers, source, $"{block}.linear");
                layers.Activation(activation);
            }
        }
        NflowsNetworks.Masked(layers, source, $"{prefix}.final_layer");
        return layers;
    }

    public static Activation LeakyRelu(double slope) =>
        Activation.Parse(slope == 0 ? "relu" : string.Create(CultureInfo.InvariantCulture, $"leaky_relu({slope:R})"));
}
