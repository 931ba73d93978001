using FlowCore.Engines.Compiled;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Bijections.Elements;

/// <summary>
/// What a small network that an element evaluates itself is made of: linear layers from the value and its signal over hidden units to
/// one number. Each feature has weights of its own, or all have the same.
/// </summary>
internal readonly record struct FeatureNetworkShape(int Signal, int[] Hidden, int Networks)
{
    // What a row keeps of a network stands on the stack, vector by vector.
    private const int MostWidth = 512, MostDepth = 32, MostSignal = 4096;

    /// <summary>The numbers that each layer reads, and the last one's output: [1 + signal, hidden..., 1].</summary>
    public int[] Widths => [1 + Signal, .. Hidden, 1];

    /// <summary>Refuses, by field, what no such network is, and states its tensors.</summary>
    /// <exception cref="SpecException">The message names the field.</exception>
    public static void Check(SpecScope at, EventShape shape, int signal, int[]? hidden, bool shared)
    {
        int features = at.Vector(shape);
        at.Within("signal", signal, 1, MostSignal);
        if (at.Given(hidden, "hidden").Length is < 1 or > MostDepth)
            throw at.Refusal("hidden", $"needs 1 to {MostDepth} layers, has {hidden!.Length}");
        foreach (int width in hidden!)
            at.Within("hidden", width, 1, MostWidth);
        int[] widths = new FeatureNetworkShape(signal, hidden, 1).Widths;
        int networks = shared ? 1 : features;
        for (int i = 0; i + 1 < widths.Length; i++)
        {
            if ((long)networks * widths[i] * widths[i + 1] > SpecScope.MostValues)
                throw at.Refusal("hidden", $"{networks} networks of {widths[i]} x {widths[i + 1]} weights are more than {SpecScope.MostValues}");
            at.In("layers", i).Need("weight", networks, widths[i + 1], widths[i]);
            at.In("layers", i).Need("bias", networks, widths[i + 1]);
        }
    }

    /// <summary>The layers of the networks as modules, feature by feature beside each other.</summary>
    public ModuleList<FeatureLinear> Build()
    {
        int[] widths = Widths;
        int networks = Networks;
        return new([.. Enumerable.Range(0, widths.Length - 1).Select(i => new FeatureLinear(networks, widths[i], widths[i + 1]))]);
    }

    /// <summary>The weights as the compiled engine takes them: of each network its layers.</summary>
    public FeatureNetwork[] Read(WeightScope weights)
    {
        int[] widths = Widths;
        int networks = Networks;
        var layers = Enumerable.Range(0, widths.Length - 1).Select(i => (
            Weight: weights.In("layers", i).Read("weight", networks, widths[i + 1], widths[i]),
            Bias: weights.In("layers", i).Read("bias", networks, widths[i + 1]), Inputs: widths[i], Outputs: widths[i + 1])).ToArray();
        return [.. Enumerable.Range(0, networks).Select(n => new FeatureNetwork([.. layers.Select(layer => new FeatureLayer(
            layer.Weight[(n * layer.Outputs * layer.Inputs)..((n + 1) * layer.Outputs * layer.Inputs)],
            layer.Bias[(n * layer.Outputs)..((n + 1) * layer.Outputs)], layer.Inputs, layer.Outputs))]))];
    }
}

/// <summary>The weights of one feature's network, in float64.</summary>
internal sealed record FeatureNetwork(FeatureLayer[] Layers);

/// <summary>One of its layers: weights [outputs, inputs], row-major.</summary>
internal sealed record FeatureLayer(double[] Weight, double[] Bias, int Inputs, int Outputs);

/// <summary>Linear maps beside each other, one for each feature, or one for all.</summary>
internal sealed class FeatureLinear : nn.Module
{
    private readonly Parameter weight;
    private readonly Parameter bias;

    public FeatureLinear(int networks, int inputs, int outputs) : base(nameof(FeatureLinear))
    {
        double bound = 1 / Math.Sqrt(inputs);
        weight = new Parameter(empty(networks, outputs, inputs).uniform_(-bound, bound));
        bias = new Parameter(empty(networks, outputs).uniform_(-bound, bound));
        RegisterComponents();
    }

    /// <summary>The weights <c>[networks, outputs, inputs]</c> of these features; null for all of them.</summary>
    public Tensor Weight(int[]? features) => Of(weight, features);

    /// <summary>The same of what is added, <c>[networks, outputs]</c>.</summary>
    public Tensor Bias(int[]? features) => Of(bias, features);

    /// <summary>W h for <c>h [..., features, inputs]</c>.</summary>
    public static Tensor Product(Tensor weight, Tensor h) =>
        weight.shape[0] == 1 ? nn.functional.linear(h, weight.select(0, 0)) : einsum("...fi,foi->...fo", h, weight);

    private static Tensor Of(Tensor values, int[]? features) => features is null || values.shape[0] == 1
        ? values
        : values.index_select(0, tensor([.. features.Select(feature => (long)feature)], int64, values.device));
}
