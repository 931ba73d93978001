using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Steps;
using static TorchSharp.torch;

namespace FlowCore.Densities;

/// <summary>The settings of <see cref="Given"/>.</summary>
public sealed record GivenSpec : BaseDensitySpec
{
    /// <summary>What the context is multiplied with: a power of two loses no digit.</summary>
    public double Factor { get; init; } = 1;

    /// <summary>How far a latent may lie from it, relative to 1 + its size, and still be it: what rounding may do.</summary>
    public double Tolerance { get; init; } = 1e-4;

    internal override void Check(SpecScope at, LatentPlace latent)
    {
        at.Positive("factor", Factor);
        at.Positive("tolerance", Tolerance);
        if (latent.Context.Width < 1 || latent.Width % latent.Context.Pixels != 0 || latent.Width > latent.Context.Values)
            throw at.Refusal("kind", $"{latent.Width} latents are not the first channels of a context of {latent.Context.Width} at {latent.Context.Pixels} pixels");
    }

    internal override void Compile(DensityCompiler to, int first, int width, WeightScope weights)
    {
        int pixels = to.Context!.Pixels.Length;
        Place[] places = [.. Enumerable.Range(0, width).Select(i => to.Context.At(i / pixels, i % pixels))];
        foreach (var group in Enumerable.Range(0, width).GroupBy(i => places[i].Region))
            to.Add(new GivenOperation(to.Regions, first, group.Key, [.. group.Select(i => (i, places[i].Offset))], Factor, Tolerance));
    }
}

/// <summary>
/// The latents are the first channels of the encoded context, times a factor: a point mass, of which the log density is 0 there and
/// minus infinity elsewhere. A flow over an image whose means are known draws its details alone.
/// </summary>
public sealed class Given(GivenSpec spec, int width) : BaseDensity(nameof(Given), width)
{
    public override Tensor LogProb(Tensor z, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor given = Values(context!);
        Tensor near = (z - given).abs().le((given.abs() + 1) * spec.Tolerance).all(1), logDensity = zeros_like(z.select(1, 0));
        return where(near, logDensity, full_like(logDensity, double.NegativeInfinity)).MoveToOuterDisposeScope();
    }

    public override Drawn FromNoise(Tensor noise, Tensor temperature, Tensor? context)
    {
        using var scope = NewDisposeScope();
        return new(Values(context!).MoveToOuterDisposeScope(), zeros_like(temperature).MoveToOuterDisposeScope());
    }

    private Tensor Values(Tensor context) => context.flatten(1).narrow(1, 0, Width) * spec.Factor;
}
