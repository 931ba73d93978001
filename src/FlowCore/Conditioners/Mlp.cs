using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Conditioners;

/// <summary>The settings of <see cref="Mlp"/>.</summary>
public sealed record MlpSpec : ConditionerSpec
{
    /// <summary>The width of each hidden layer.</summary>
    public required int[] Hidden { get; init; }

    public Activation Activation { get; init; } = Activation.Relu;
}

/// <summary>Linear layers with a nonlinearity between them; the context stands beside the input.</summary>
public sealed class Mlp : Conditioner
{
    private readonly Activation activation;
    private readonly ModuleList<Linear> layers;

    public Mlp(MlpSpec spec, int inputs, int context, int outputs) : base(nameof(Mlp))
    {
        if (spec.Hidden.Any(width => width < 1))
            throw new SpecException("conditioner.hidden: each width must be at least 1");
        activation = spec.Activation;
        int[] widths = [inputs + context, .. spec.Hidden, outputs];
        layers = nn.ModuleList(widths.Zip(widths.Skip(1), (from, to) => nn.Linear(from, to)).ToArray());
        RegisterComponents();
    }

    public override Tensor Forward(Tensor input, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor h = layers[0].call(Join(input, context));
        for (int i = 1; i < layers.Count; i++)
            h = layers[i].call(activation.Apply(h));
        return h.MoveToOuterDisposeScope();
    }
}
