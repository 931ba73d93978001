using FlowCore.Bijections;
using FlowCore.Bijections.Elements;
using FlowCore.Conditioners;
using FlowCore.Conditioners.Layers;
using FlowCore.Densities;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Training;

/// <summary>
/// The weights that training starts from, a pure function of the seed: each linear layer's from normal noise of variance
/// 1 / (3 inputs), PyTorch's own variance; each conditioner's last layer such that its bijection starts as the identity.
/// </summary>
internal static class SeededWeights
{
    public static void Fill(Flow flow, ulong seed)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        long row = 0;
        foreach (Parameter weight in Matrices(flow))
            Fill(weight, seed, ref row);
        foreach (var (bijection, spec) in flow.Bijections.Zip(flow.Spec.Bijections))
            if (ElementOf(spec) is { } element)
                foreach (Network network in bijection.modules().OfType<Network>())
                    StartAsIdentity(network, element);
    }

    /// <summary>The matrices of all linear layers, in the order of the flow.</summary>
    public static IEnumerable<Parameter> Matrices(Flow flow) =>
        from module in flow.modules()
        where module is LinearLayer or Linear
        from parameter in module.parameters()
        where parameter.dim() == 2
        select parameter;

    private static void Fill(Parameter weight, ulong seed, ref long row)
    {
        int outputs = (int)weight.shape[0], inputs = (int)weight.shape[1];
        if (inputs == 0)
            return;
        var noise = new double[outputs * inputs];
        Noise.FillNormal(seed, row, inputs, noise.AsSpan());
        row += outputs;
        weight.copy_(tensor(noise).reshape(outputs, inputs) * Math.Sqrt(1.0 / (3 * inputs)));
    }

    private static void StartAsIdentity(Network network, ElementSpec element)
    {
        if (network.Last is not { } last || element is not (AffineElementSpec or SplineElementSpec))
            return;
        foreach (Parameter parameter in last.parameters())
            parameter.zero_();
        // A rational-quadratic spline with equal bins is the identity where all its slopes are 1.
        if (element is SplineElementSpec { SoftclipSlope: null } spline)
        {
            Parameter bias = last.parameters().Single(parameter => parameter.dim() == 1);
            bias.reshape(-1, 3 * spline.Bins - 1).narrow(1, 2 * spline.Bins, spline.Bins - 1)
                .fill_(Math.Log(Math.Exp(1 - spline.MinSlope) - 1));
        }
    }

    private static ElementSpec? ElementOf(BijectionSpec spec) => spec switch
    {
        CouplingSpec s => s.Element,
        AutoregressiveSpec s => s.Element,
        ElementwiseSpec s => s.Element,
        InvertedSpec s => ElementOf(s.Of),
        _ => null,
    };
}
