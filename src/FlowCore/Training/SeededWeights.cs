using FlowCore.Bijections;
using FlowCore.Bijections.Elements;
using FlowCore.Conditioners;
using FlowCore.Conditioners.Layers;
using FlowCore.Densities;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Training;

/// <summary>
/// The weights that training starts from, a pure function of the seed: each linear layer's and convolution's from normal noise of
/// variance 1 / (3 inputs), PyTorch's own variance, with biases of 0; each conditioner's last layer such that its bijection starts
/// as the identity; matrices of channels as rotations (Kingma, Dhariwal 2018).
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
        foreach (Linear layer in flow.modules().OfType<Linear>())
            layer.bias?.zero_();
        foreach (InvertibleMatrix matrix in flow.modules().OfType<InvertibleMatrix>())
            matrix.Set(Rotation(matrix.Size, seed, ref row));
        StartAsIdentity(flow.Bijections, flow.Spec.Bijections);
    }

    /// <summary>The matrices of all linear layers and convolutions, in the order of the flow.</summary>
    public static IEnumerable<Parameter> Matrices(Flow flow) =>
        from module in flow.modules()
        where module is LinearLayer or Linear or ConvLayer or TimeConv or DepthwiseTimeConv or TransposedTimeConv or GatedUnit
        from named in module.named_parameters()
        where named.name is "weight" or "weight_v"
        select named.parameter;

    private static void Fill(Parameter weight, ulong seed, ref long row)
    {
        int outputs = (int)weight.shape[0], inputs = (int)weight.shape[1..].Aggregate(1L, (product, size) => product * size);
        if (inputs == 0)
            return;
        weight.copy_(Normal(outputs, inputs, seed, ref row).reshape(weight.shape) * Math.Sqrt(1.0 / (3 * inputs)));
    }

    private static Tensor Normal(int rows, int width, ulong seed, ref long row)
    {
        var noise = new double[rows * width];
        Noise.FillNormal(seed, row, width, noise.AsSpan());
        row += rows;
        return tensor(noise).reshape(rows, width);
    }

    private static Tensor Rotation(int size, ulong seed, ref long row) => linalg.qr(Normal(size, size, seed, ref row)).Q;

    private static void StartAsIdentity(IEnumerable<Bijection> bijections, BijectionSpec[] specs)
    {
        foreach (var (bijection, spec) in bijections.Zip(specs))
        {
            if (bijection is Split split && spec is SplitSpec { Inner: var inner })
                StartAsIdentity(split.Inner, inner);
            else if (bijection is FlowCoupling coupling && spec is FlowCouplingSpec { Inner: var within })
                StartAsIdentity(coupling.Inner, within);
            else if (ElementOf(spec) is { } element)
                foreach (Network network in bijection.modules().OfType<Network>())
                    StartAsIdentity(network, element);
        }
    }

    private static void StartAsIdentity(Network network, ElementSpec element)
    {
        if (network.Layers.LastOrDefault(layer => layer is LinearLayer or ConvLayer or TimeConv) is not { } last || element is not (AffineElementSpec or SplineElementSpec))
            return;
        foreach (Parameter parameter in last.parameters())
            parameter.zero_();
        // A rational-quadratic spline with equal bins is the identity where all its slopes are 1.
        if (element is SplineElementSpec { SoftclipSlope: null } spline)
        {
            Parameter bias = last.parameters().Single(parameter => parameter.dim() == 1);
            bias.reshape(-1, 2 * spline.Bins + spline.RawSlopes).narrow(1, 2 * spline.Bins, spline.RawSlopes)
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
