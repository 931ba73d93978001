using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Conditioners;

/// <summary>The settings of <see cref="ResidualNet"/>.</summary>
public sealed record ResidualNetSpec : ConditionerSpec
{
    public required int Width { get; init; }

    public int Blocks { get; init; } = 2;

    public Activation Activation { get; init; } = Activation.Relu;
}

/// <summary>
/// A linear layer, pre-activation residual blocks h + W1 act(W0 act(h)), a linear layer (He et al. 2016, arXiv 1603.05027; the
/// conditioner of neural spline flows). The context stands beside the input and gates each block's update by
/// sigmoid(G context).
/// </summary>
public sealed class ResidualNet : Conditioner
{
    private readonly Linear initial;
    private readonly ModuleList<Block> blocks;
    private readonly Linear final;

    public ResidualNet(ResidualNetSpec spec, int inputs, int context, int outputs) : base(nameof(ResidualNet))
    {
        if (spec.Width < 1)
            throw new SpecException($"conditioner.width: must be at least 1, is {spec.Width}");
        if (spec.Blocks is < 0 or > 1024)
            throw new SpecException($"conditioner.blocks: must lie in 0..1024, is {spec.Blocks}");
        initial = nn.Linear(inputs + context, spec.Width);
        blocks = nn.ModuleList(Enumerable.Range(0, spec.Blocks).Select(_ => new Block(spec, context)).ToArray());
        final = nn.Linear(spec.Width, outputs);
        RegisterComponents();
    }

    public override Tensor Forward(Tensor input, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor h = initial.call(Join(input, context));
        foreach (Block block in blocks)
            h = block.Forward(h, context);
        return final.call(h).MoveToOuterDisposeScope();
    }

    private sealed class Block : nn.Module
    {
        private readonly Activation activation;
        private readonly Linear first;
        private readonly Linear second;
        private readonly Linear? gate;

        public Block(ResidualNetSpec spec, int context) : base(nameof(Block))
        {
            activation = spec.Activation;
            first = nn.Linear(spec.Width, spec.Width);
            second = nn.Linear(spec.Width, spec.Width);
            gate = context > 0 ? nn.Linear(context, spec.Width) : null;
            RegisterComponents();
        }

        public Tensor Forward(Tensor h, Tensor? context)
        {
            Tensor update = second.call(activation.Apply(first.call(activation.Apply(h))));
            return h + (gate is null ? update : update * gate.call(context!).sigmoid());
        }
    }
}
