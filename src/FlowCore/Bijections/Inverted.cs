using static TorchSharp.torch;

namespace FlowCore.Bijections;

/// <summary>The settings of <see cref="Inverted"/>.</summary>
public sealed record InvertedSpec : BijectionSpec
{
    public required BijectionSpec Of { get; init; }
}

/// <summary>Another bijection, turned round: its inverse leads from data to latents.</summary>
public sealed class Inverted : Bijection
{
    private readonly Bijection of;

    internal Inverted(InvertedSpec spec, EventShape shape) : base(nameof(Inverted))
    {
        of = FlowBuilder.Build(spec.Of, shape);
        RegisterComponents();
    }

    public override Mapped Forward(Tensor x, Tensor? context) => of.Inverse(x, context);

    public override Mapped Inverse(Tensor z, Tensor? context) => of.Forward(z, context);
}
