using FlowCore.Engines.Compiled;
using static TorchSharp.torch;

namespace FlowCore.Bijections;

/// <summary>The settings of <see cref="Inverted"/>.</summary>
public sealed record InvertedSpec : BijectionSpec
{
    public required BijectionSpec Of { get; init; }

    internal override void Check(SpecScope at, EventShape shape)
    {
        at.Given(Of, "of").Check(at.In("of"), shape);
        if (!Of.After(shape).Sizes.SequenceEqual(shape.Sizes))
            throw at.Refusal("of", "a bijection that changes the event shape cannot be turned round");
    }

    internal override void CheckWeights(SpecScope at, EventShape shape, WeightScope weights) => Of.CheckWeights(at.In("of"), shape, weights.In("of"));

    internal override void Compile(FlowCompiler to, EventShape shape, WeightScope weights, bool inverse) =>
        Of.Compile(to, shape, weights.In("of"), !inverse);
}

/// <summary>Another bijection, turned round: its inverse leads from data to latents.</summary>
public sealed class Inverted : Bijection
{
    private readonly Bijection of;

    internal Inverted(Bijection of) : base(nameof(Inverted))
    {
        this.of = of;
        RegisterComponents();
    }

    public override Mapped Forward(Tensor x, Tensor? context) => of.Inverse(x, context);

    public override Mapped Inverse(Tensor z, Tensor? context) => of.Forward(z, context);
}
