using FlowCore.Bijections;
using FlowCore.Conditioners;
using FlowCore.Densities;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Training;

/// <summary>
/// The weights that training starts from, a pure function of the seed: each linear layer's from normal noise of variance
/// 1 / (3 inputs), PyTorch's own variance; each conditioner's last layer such that its coupling starts as the identity.
/// </summary>
internal static class SeededWeights
{
    public static void Fill(Flow flow, ulong seed)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        long row = 0;
        foreach (Linear layer in flow.modules().OfType<Linear>())
            Fill(layer, seed, ref row);
        foreach (var (bijection, spec) in flow.Bijections.Zip(flow.Spec.Bijections))
            foreach (Conditioner conditioner in bijection.modules().OfType<Conditioner>())
                StartAsIdentity(LastLayer(conditioner), spec);
    }

    private static void Fill(Linear layer, ulong seed, ref long row)
    {
        Tensor weight = layer.weight!;
        int outputs = (int)weight.shape[0], inputs = (int)weight.shape[1];
        var noise = new double[outputs * inputs];
        Noise.FillNormal(seed, row, inputs, noise.AsSpan());
        row += outputs;
        weight.copy_(tensor(noise).reshape(outputs, inputs) * Math.Sqrt(1.0 / (3 * inputs)));
        layer.bias?.zero_();
    }

    // A conditioner declares its layers in the order that values pass them.
    private static Linear LastLayer(nn.Module module) =>
        module as Linear ?? LastLayer(module.children().Last());

    private static void StartAsIdentity(Linear last, BijectionSpec spec)
    {
        last.weight!.zero_();
        // A rational-quadratic spline with equal bins is the identity where all its slopes are 1.
        if (spec is SplineCouplingSpec spline)
        {
            double slope = Math.Log(Math.Exp(1 - spline.MinSlope) - 1);
            last.bias!.reshape(-1, 3 * spline.Bins - 1).narrow(1, 2 * spline.Bins, spline.Bins - 1).fill_(slope);
        }
    }
}
