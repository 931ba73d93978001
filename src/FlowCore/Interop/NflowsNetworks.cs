using FlowCore.Conditioners;
using FlowCore.Conditioners.Layers;

namespace FlowCore.Interop;

/// <summary>nflows' networks: the masked one (MADE), the residual one, and the convolutional one.</summary>
internal static class NflowsNetworks
{
    public static LayerList Made(DescribedNode net, ForeignWeights source)
    {
        string prefix = net["prefix"].Text;
        Activation activation = Activation.Parse(net["activation"].Text);
        bool context = net["context"].Int > 0, residual = net["block"].Text == "residual";
        double? epsilon = Epsilon(net);
        // Two classes have this name: that of densities adds the context as it is, and has nothing behind the first layer.
        bool ofDensity = net.Optional("of_density")?.Flag == true;
        var layers = new LayerList();
        Masked(layers, source, $"{prefix}.initial_layer");
        if (context)
            layers.ByContext(ofDensity ? new AddContextSpec() : new AddContextSpec { Function = activation }, "layer", source, $"{prefix}.context_layer");
        if (!residual && !ofDensity)
            layers.Activation(activation);
        for (int b = 0; b < net["num_blocks"].Int; b++)
        {
            string block = $"{prefix}.blocks.{b}";
            source.Drop($"{block}.degrees");
            if (residual)
            {
                WriteOver(layers, net, activation);
                layers.Residual(inner =>
                {
                    Normalized(inner, source, $"{block}.batch_norm_layers.0", epsilon);
                    if (!WritesOver(net))
                        inner.Activation(activation);
                    Masked(inner, source, $"{block}.linear_layers.0");
                    if (context)
                        inner.ByContext(new AddContextSpec(), "layer", source, $"{block}.context_layer");
                    Normalized(inner, source, $"{block}.batch_norm_layers.1", epsilon);
                    inner.Activation(activation);
                    Masked(inner, source, $"{block}.linear_layers.1");
                });
            }
            else
            {
                Normalized(layers, source, $"{block}.batch_norm", epsilon);
                Masked(layers, source, $"{block}.linear");
                layers.Activation(activation);
            }
        }
        Masked(layers, source, $"{prefix}.final_layer");
        return layers;
    }

    /// <summary>The network of a coupling; sbi's for a single feature reads the context alone.</summary>
    public static LayerList Coupling(DescribedNode net, ForeignWeights source)
    {
        if (net["type"].Text is "context_spline_map" or "sequential")
        {
            var layers = new LayerList();
            Embedding.AddTo(layers, net, source, context: 0);
            return layers;
        }
        if (net["type"].Text != "residual_net")
            throw net.Error($"the network '{net["type"].Text}' is not supported; supported are residual_net, sequential and context_spline_map");
        return Residual(source, net["prefix"].Text, net["num_blocks"].Int, Activation.Parse(net["activation"].Text), net["context"].Int > 0, Epsilon(net),
            writesOver: WritesOver(net));
    }

    /// <summary>The network of a coupling of images: residual blocks of two 3x3 convolutions.</summary>
    public static LayerList Convolutional(DescribedNode net, ForeignWeights source)
    {
        if (net["type"].Text != "conv_residual_net")
            throw net.Error($"the network '{net["type"].Text}' is not supported on images; supported is conv_residual_net");
        if (net.Optional("context") is { Int: > 0 })
            throw net.Error("context: a context of images is not supported");
        string prefix = net["prefix"].Text;
        Activation activation = Activation.Parse(net["activation"].Text);
        double? epsilon = Epsilon(net);
        var layers = new LayerList();
        layers.Conv(source, $"{prefix}.initial_layer", bias: true);
        for (int b = 0; b < net["num_blocks"].Int; b++)
        {
            string block = $"{prefix}.blocks.{b}";
            WriteOver(layers, net, activation);
            layers.Residual(inner =>
            {
                for (int i = 0; i < 2; i++)
                {
                    Normalized(inner, source, $"{block}.batch_norm_layers.{i}", epsilon);
                    if (i > 0 || !WritesOver(net))
                        inner.Activation(activation);
                    inner.Conv(source, $"{block}.conv_layers.{i}", bias: true);
                }
            });
        }
        layers.Conv(source, $"{prefix}.final_layer", bias: true);
        return layers;
    }

    /// <summary>A residual network whose blocks the context gates; nflows and normflows share it.</summary>
    public static LayerList Residual(
        ForeignWeights source, string prefix, int blocks, Activation activation, bool context, double? epsilon, LayerList? behind = null,
        bool writesOver = false)
    {
        LayerList layers = behind ?? new();
        if (context)
            layers.Add(new ConcatContextSpec());
        layers.Linear(source, $"{prefix}.initial_layer");
        for (int b = 0; b < blocks; b++)
        {
            string block = $"{prefix}.blocks.{b}";
            if (writesOver)
                layers.Activation(activation);
            layers.Residual(inner =>
            {
                Normalized(inner, source, $"{block}.batch_norm_layers.0", epsilon);
                if (!writesOver)
                    inner.Activation(activation);
                inner.Linear(source, $"{block}.linear_layers.0");
                Normalized(inner, source, $"{block}.batch_norm_layers.1", epsilon);
                inner.Activation(activation);
                inner.Linear(source, $"{block}.linear_layers.1");
                if (context)
                    inner.ByContext(new GateByContextSpec(), "gate", source, $"{block}.context_layer");
            });
        }
        layers.Linear(source, $"{prefix}.final_layer");
        return layers;
    }

    /// <summary>
    /// Whether a block's activation writes over its input, so that the skip adds act(h) and not h: <c>nn.ReLU(inplace=True)</c>.
    /// </summary>
    public static bool WritesOver(DescribedNode net) => net.Optional("inplace")?.Flag == true;

    /// <summary>The first activation of a block, before it, where it writes over what the skip adds.</summary>
    public static void WriteOver(LayerList layers, DescribedNode net, Activation activation)
    {
        if (WritesOver(net))
            layers.Activation(activation);
    }

    /// <summary>A masked linear layer; its degrees have done their work in the mask.</summary>
    public static void Masked(LayerList layers, ForeignWeights source, string prefix)
    {
        layers.Linear(source, prefix, masked: true);
        source.Drop($"{prefix}.degrees");
    }

    public static void Normalized(LayerList layers, ForeignWeights source, string prefix, double? epsilon)
    {
        if (epsilon is { } value)
            layers.BatchNorm(source, prefix, value);
    }

    private static double? Epsilon(DescribedNode net) =>
        net.Optional("batch_norm")?.Flag == true ? net.Optional("batch_norm_eps")?.Number ?? 1e-3 : null;
}
