using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Formulas;
using FlowCore.Engines.Compiled.Network;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Conditioners.Layers;

/// <summary>A linear layer of <see cref="Width"/> outputs.</summary>
public sealed record LinearLayerSpec : LayerSpec
{
    public required int Width { get; init; }

    /// <summary>
    /// Whether a mask of 0 and 1, kept with the weights, blanks out connections: what makes a network autoregressive
    /// (Germain, Gregor, Murray, Larochelle 2015, "MADE", arXiv 1502.03509).
    /// </summary>
    public bool Masked { get; init; }

    internal override bool NeedsUnits => false;

    internal override void Check(SpecScope at, LayerPlace place)
    {
        place.NeedsVector(at);
        at.Width("width", Width, pixels: 1);
        at.Need("weight", Width, place.Width);
        at.Need("bias", Width);
        if (Masked)
            at.Need("mask", Width, place.Width);
    }

    internal override int[] Known(int[] known, LayerPlace place, WeightScope weights)
    {
        double[] matrix = weights.Read("weight", Width, place.Width), mask = Masked ? weights.Read("mask", Width, place.Width) : matrix;
        var behind = new int[Width];
        for (int output = 0, i = 0; output < Width; output++)
            for (int input = 0; input < place.Width; input++, i++)
                if (matrix[i] != 0 && mask[i] != 0)
                    behind[output] = Math.Max(behind[output], known[input]);
        return behind;
    }

    internal override LayerPlace After(LayerPlace place) => place.Wide(Width);

    internal override Node Compile(NetworkCompiler network, Node h, WeightScope weights, int[]? order)
    {
        Formula matrix = weights.Take("weight", Width, h.Units);
        if (Masked)
        {
            double[] mask = weights.Read("mask", Width, h.Units);
            matrix = mask.All(value => value is 0 or 1)
                ? matrix.Pick([.. mask.Select((value, i) => value == 0 ? -1 : i)])
                : matrix * Formula.Fixed(mask);
        }
        return network.Linear(h, matrix, weights.Take("bias", Width), order);
    }
}

/// <summary>W h + b, W being multiplied by the mask where there is one.</summary>
public sealed class LinearLayer : Layer
{
    private readonly Parameter weight;
    private readonly Parameter bias;
    private readonly Tensor? mask;

    internal LinearLayer(LinearLayerSpec spec, LayerPlace place) : base(nameof(LinearLayer))
    {
        weight = new Parameter(zeros(spec.Width, place.Width));
        bias = new Parameter(zeros(spec.Width));
        mask = spec.Masked ? ones(spec.Width, place.Width) : null;
        RegisterComponents();
    }

    /// <summary>The number of outputs.</summary>
    public int Width => (int)weight.shape[0];

    /// <summary>The number of inputs.</summary>
    public int Inputs => (int)weight.shape[1];

    public override Tensor Forward(Tensor h, Tensor? context)
    {
        if (mask is null)
            return nn.functional.linear(h, weight, bias);
        using Tensor masked = weight * mask;
        return nn.functional.linear(h, masked, bias);
    }

    /// <summary>Only these outputs.</summary>
    internal Tensor Rows(Tensor h, Tensor rows)
    {
        using var scope = NewDisposeScope();
        Tensor selected = weight.index_select(0, rows);
        if (mask is not null)
            selected = selected * mask.index_select(0, rows);
        return nn.functional.linear(h, selected, bias.index_select(0, rows)).MoveToOuterDisposeScope();
    }

    /// <summary>Becomes this map: the weights [width, inputs] and the biases [width].</summary>
    internal void Set(Tensor weights, Tensor biases)
    {
        using var mode = no_grad();
        weight.copy_(weights);
        bias.copy_(biases);
    }

    internal void SetMask(Tensor values)
    {
        using var mode = no_grad();
        mask!.copy_(values);
    }
}
