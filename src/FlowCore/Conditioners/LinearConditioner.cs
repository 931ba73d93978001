using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Conditioners;

/// <summary>One linear layer: the smallest conditioner that makes a coupling.</summary>
public sealed record LinearConditionerSpec : ConditionerSpec;

/// <summary>W [input, context] + b.</summary>
public sealed class LinearConditioner : Conditioner
{
    private readonly Linear layer;

    public LinearConditioner(int inputs, int context, int outputs) : base(nameof(LinearConditioner))
    {
        layer = nn.Linear(inputs + context, outputs);
        RegisterComponents();
    }

    public override Tensor Forward(Tensor input, Tensor? context)
    {
        using var scope = NewDisposeScope();
        return layer.call(Join(input, context)).MoveToOuterDisposeScope();
    }
}
