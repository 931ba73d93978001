using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Conditioners.Layers;

/// <summary>Puts the context beside the features; nothing where there is no context.</summary>
public sealed record ConcatContextSpec : LayerSpec;

/// <summary>[h, context].</summary>
public sealed class ConcatContext() : Layer(nameof(ConcatContext))
{
    public override Tensor Forward(Tensor h, Tensor? context) => context is null ? h.alias() : cat([h, context], 1);
}

/// <summary>Lets the context gate the features; nothing where there is no context.</summary>
public sealed record GateByContextSpec : LayerSpec;

/// <summary>h * sigmoid(G context + g), the gated linear unit of neural spline flows.</summary>
public sealed class GateByContext : Layer
{
    private readonly Linear? gate;

    internal GateByContext(LayerPlace place) : base(nameof(GateByContext))
    {
        gate = place.Context > 0 ? nn.Linear(place.Context, place.Width) : null;
        RegisterComponents();
    }

    public override Tensor Forward(Tensor h, Tensor? context)
    {
        using var scope = NewDisposeScope();
        return (gate is null ? h.alias() : h * gate.call(context!).sigmoid()).MoveToOuterDisposeScope();
    }
}
