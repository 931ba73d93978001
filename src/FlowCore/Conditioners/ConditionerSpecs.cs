using FlowCore.Conditioners.Layers;

namespace FlowCore.Conditioners;

/// <summary>One linear layer on the features and the context: the smallest conditioner that makes a coupling.</summary>
public sealed record LinearConditionerSpec : ConditionerSpec
{
    internal override void Check(SpecScope at, EventShape inputs, long outputs)
    {
        NeedsVector(at, inputs);
        base.Check(at, inputs, outputs);
    }

    public override LayerSpec[] Layers(int outputs) => [new ConcatContextSpec(), new LinearLayerSpec { Width = outputs }];
}

/// <summary>Linear layers with a nonlinearity between them; the context stands beside the features.</summary>
public sealed record MlpSpec : ConditionerSpec
{
    /// <summary>The width of each hidden layer.</summary>
    public required int[] Hidden { get; init; }

    public Activation Activation { get; init; } = Activation.Relu;

    internal override void Check(SpecScope at, EventShape inputs, long outputs)
    {
        NeedsVector(at, inputs);
        CheckHidden(at, Hidden, Activation);
        base.Check(at, inputs, outputs);
    }

    public override LayerSpec[] Layers(int outputs)
    {
        List<LayerSpec> layers = [new ConcatContextSpec()];
        foreach (int width in Hidden)
            layers.AddRange([new LinearLayerSpec { Width = width }, new ActivationLayerSpec { Function = Activation }]);
        return [.. layers, new LinearLayerSpec { Width = outputs }];
    }
}

/// <summary>
/// A linear layer, pre-activation residual blocks h + W1 act(W0 act(h)), a linear layer: the conditioner of neural spline flows.
/// The context stands beside the features, and gates each block's update.
/// </summary>
public sealed record ResidualNetSpec : ConditionerSpec
{
    public required int Width { get; init; }

    public int Blocks { get; init; } = 2;

    public Activation Activation { get; init; } = Activation.Relu;

    internal override void Check(SpecScope at, EventShape inputs, long outputs)
    {
        NeedsVector(at, inputs);
        at.Width("width", Width, pixels: 1);
        at.Within("blocks", Blocks, 0, 1024);
        Activation.Check(at, "activation");
        base.Check(at, inputs, outputs);
    }

    public override LayerSpec[] Layers(int outputs)
    {
        var act = new ActivationLayerSpec { Function = Activation };
        var linear = new LinearLayerSpec { Width = Width };
        var block = new ResidualLayerSpec { Inner = [act, linear, act, linear, new GateByContextSpec()] };
        return [new ConcatContextSpec(), linear, .. Enumerable.Repeat(block, Blocks), new LinearLayerSpec { Width = outputs }];
    }
}

/// <summary>A masked network of its own making: what <c>flow train</c> uses; imported ones bring their masks along.</summary>
public sealed record MadeSpec : ConditionerSpec
{
    /// <summary>The width of each hidden layer.</summary>
    public required int[] Hidden { get; init; }

    public Activation Activation { get; init; } = Activation.Relu;

    internal override void Check(SpecScope at, EventShape inputs, long outputs)
    {
        NeedsVector(at, inputs);
        CheckHidden(at, Hidden, Activation);
        base.Check(at, inputs, outputs);
    }

    public override LayerSpec[] Layers(int outputs)
    {
        List<LayerSpec> layers = [new ConcatContextSpec()];
        foreach (int width in Hidden)
            layers.AddRange([new LinearLayerSpec { Width = width, Masked = true }, new ActivationLayerSpec { Function = Activation }]);
        return [.. layers, new LinearLayerSpec { Width = outputs, Masked = true }];
    }
}

/// <summary>Any layers, one by one: what an imported network is described by.</summary>
public sealed record SequenceSpec : ConditionerSpec
{
    public required LayerSpec[] Steps { get; init; }

    public override LayerSpec[] Layers(int outputs) => Steps;
}
