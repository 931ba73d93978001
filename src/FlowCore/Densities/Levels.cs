using FlowCore.Engines.Compiled;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Densities;

/// <summary>One density for each level of a multi-scale flow, side by side.</summary>
public sealed record LevelsSpec : BaseDensitySpec
{
    public required Level[] Levels { get; init; }

    internal override void Check(SpecScope at, LatentPlace latent)
    {
        if (at.List(Levels, "levels").Sum(level => (long)level.Width) != latent.Width || Levels.Any(level => level.Width < 1))
            throw at.Refusal("levels", $"their widths must add up to {latent.Width}");
        for (int i = 0; i < Levels.Length; i++)
        {
            SpecScope level = at.In("levels", i);
            level.Given(Levels[i].Base, "base").Check(level.In("base", null), latent with { Width = Levels[i].Width });
            if (Levels[i].Base.NoiseWidth(Levels[i].Width) != Levels[i].Width)
                throw at.Refusal("levels", "a mixture cannot be one of several levels");
        }
    }

    internal override void Compile(DensityCompiler to, int first, int width, WeightScope weights)
    {
        for (int i = 0; i < Levels.Length; i++)
        {
            Levels[i].Base.Compile(to, first, Levels[i].Width, weights.In("levels", i));
            first += Levels[i].Width;
        }
    }
}

/// <summary>The next so many values of a latent, and their density.</summary>
public sealed record Level
{
    public required int Width { get; init; }

    public required BaseDensitySpec Base { get; init; }
}

/// <summary>The product of densities over consecutive parts of the latent.</summary>
public sealed class Levels : BaseDensity
{
    private readonly ModuleList<BaseDensity> levels;

    internal Levels(LevelsSpec spec, int width, ContextPlace context, int classes) : base(nameof(Levels), width)
    {
        levels = nn.ModuleList(spec.Levels.Select(level => FlowBuilder.Build(level.Base, level.Width, context, classes)).ToArray());
        RegisterComponents();
    }

    public override Tensor LogProb(Tensor z, Tensor? context)
    {
        using var scope = NewDisposeScope();
        Tensor sum = zeros_like(z.select(1, 0));
        int offset = 0;
        foreach (BaseDensity level in levels)
        {
            sum = sum + level.LogProb(z.narrow(1, offset, level.Width), context);
            offset += level.Width;
        }
        return sum.MoveToOuterDisposeScope();
    }

    public override Drawn FromNoise(Tensor noise, Tensor temperature, Tensor? context)
    {
        using var scope = NewDisposeScope();
        var parts = new List<Tensor>(levels.Count);
        Tensor sum = zeros_like(noise.select(1, 0));
        int offset = 0;
        foreach (BaseDensity level in levels)
        {
            Drawn drawn = level.FromNoise(noise.narrow(1, offset, level.Width), temperature, context);
            parts.Add(drawn.Latents);
            sum = sum + drawn.LogDensity;
            offset += level.Width;
        }
        return new(cat(parts, 1).MoveToOuterDisposeScope(), sum.MoveToOuterDisposeScope());
    }
}
