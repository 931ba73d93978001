using FlowCore.Conditioners;
using FlowCore.Engines.Compiled;
using static TorchSharp.torch;

namespace FlowCore.Densities;

/// <summary>Independent normals whose parameters a network makes from the context.</summary>
public sealed record ConditionalNormalSpec : BaseDensitySpec
{
    public required ConditionerSpec Conditioner { get; init; }

    internal override void Check(SpecScope at, LatentPlace latent)
    {
        if (latent.Context.Width < 1 || latent.Context.IsImage)
            throw at.Refusal("", $"conditional_normal needs a context {(latent.Context.IsImage ? "of values, not an image" : "")}".TrimEnd());
        at.Given(Conditioner, "conditioner").Check(at.In("conditioner"), new EventShape([0], latent.Context), 2L * latent.Width);
    }

    internal override void Compile(DensityCompiler to, int first, int width, WeightScope weights) =>
        to.Normal(first, width, (network, context) => network.Layers(Conditioner.Layers(2 * width), "layers", network.Input([0], [], null), weights.In("conditioner"), null));
}

/// <summary>N(mean, diag(exp(log_scale)^2)) with [mean | log_scale] = network(context).</summary>
public sealed class ConditionalNormal : NormalDensity
{
    private readonly Network conditioner;

    internal ConditionalNormal(ConditionalNormalSpec spec, int width, ContextPlace context) : base(nameof(ConditionalNormal), width)
    {
        conditioner = FlowBuilder.Build(spec.Conditioner, new EventShape([0], context), 2 * width);
        RegisterComponents();
    }

    protected override (Tensor Mean, Tensor LogScale) Parameters(Tensor? context)
    {
        Tensor parameters = conditioner.Forward(context!.narrow(1, 0, 0), context);
        return (parameters.narrow(1, 0, Width), parameters.narrow(1, Width, Width));
    }
}
