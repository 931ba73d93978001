using FlowCore.Bijections;
using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Steps;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Densities;

/// <summary>The settings of <see cref="FlowBase"/>.</summary>
public sealed record FlowBaseSpec : BaseDensitySpec
{
    /// <summary>From the latents to the standard normal, as vectors.</summary>
    public required BijectionSpec[] Bijections { get; init; }

    internal override void Check(SpecScope at, LatentPlace latent) => BijectionSpec.Check(Bijections, at, "bijections", Shape(latent));

    internal override void CheckWeights(SpecScope at, LatentPlace latent, WeightScope weights) =>
        BijectionSpec.CheckWeights(Bijections, at, "bijections", Shape(latent), weights);

    internal override void Compile(DensityCompiler to, int first, int width, WeightScope weights)
    {
        bool draws = to.Regions.Drawn is not null;
        int[] own = [.. Enumerable.Range(0, width)], latents = [.. Enumerable.Range(first, width)];
        // The values are changed in their place, and so in a place of their own.
        Places start = Places.Fresh([width]);
        Region normal = start.Region!, sum = Region.OfSums();
        if (draws)
            to.Add(new NormalOperation(to.Regions with { Drawn = normal }, first, width, null));
        else
            to.Add(new CopyOperation(to.Regions.Rows, latents, normal, own));
        var flow = new FlowCompiler(sum) { Context = to.Context, Values = start };
        CompiledFlow.Compile(Bijections, "bijections", flow, new EventShape([width], 0), weights, inverse: draws);
        Places end = flow.Values;
        to.Add(new StartOperation(sum, flow.ConstantLogDet));
        foreach (Operation operation in flow.Operations)
            to.Add(operation);
        Region result = draws ? to.Regions.Drawn! : new Region(width);
        foreach (var group in Enumerable.Range(0, width).GroupBy(i => end.Values[i].Region))
            to.Add(new CopyOperation(group.Key, [.. group.Select(i => end.Values[i].Offset)], result, [.. group.Select(i => draws ? first + i : i)]));
        if (!draws)
            to.Add(new NormalOperation(to.Regions with { Rows = result }, 0, width, null));
        to.Add(new AddSumOperation(sum, to.Regions.LogDensity, draws ? -1 : 1));
    }

    private static EventShape Shape(LatentPlace latent) => new([latent.Width], latent.Context);
}

/// <summary>
/// A flow of its own: p(z) = N(f(z); 0, 1) |det df/dz|. The temperature scales the normal noise that its inverse makes latents of.
/// </summary>
public sealed class FlowBase : BaseDensity
{
    private static readonly double HalfLog2Pi = 0.5 * Math.Log(2 * Math.PI);

    private readonly ModuleList<Bijection> bijections;

    internal FlowBase(FlowBaseSpec spec, int width, ContextPlace context) : base(nameof(FlowBase), width)
    {
        var shape = new EventShape([width], context);
        bijections = FlowBuilder.BuildAll(spec.Bijections, ref shape);
        RegisterComponents();
    }

    public override Tensor LogProb(Tensor z, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor logDensity = zeros_like(z.select(1, 0));
        foreach (Bijection bijection in bijections)
        {
            Mapped mapped = bijection.Forward(z, context);
            (z, logDensity) = (mapped.Values, logDensity + mapped.LogDet);
        }
        return (logDensity - z.square().sum(1) / 2 - Width * HalfLog2Pi).MoveToOuterDisposeScope();
    }

    public override Drawn FromNoise(Tensor noise, Tensor temperature, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor z = noise * temperature.unsqueeze(1);
        Tensor logDensity = noise.square().sum(1) / -2 - (temperature.log() + HalfLog2Pi) * Width;
        for (int i = bijections.Count - 1; i >= 0; i--)
        {
            Mapped mapped = bijections[i].Inverse(z, context);
            (z, logDensity) = (mapped.Values, logDensity - mapped.LogDet);
        }
        return new(z.MoveToOuterDisposeScope(), logDensity.MoveToOuterDisposeScope());
    }
}
