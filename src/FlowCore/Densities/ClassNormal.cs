using FlowCore.Engines.Compiled;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Densities;

/// <summary>Independent normals whose means and log standard deviations depend on the class.</summary>
public sealed record ClassNormalSpec : BaseDensitySpec
{
    internal override void Check(SpecScope at, LatentPlace latent)
    {
        if (latent.Classes < 1)
            throw at.Refusal("", "class_normal needs a context with classes, and no embedding in front of it");
        at.Need("loc", latent.Classes, latent.Width);
        at.Need("log_scale", latent.Classes, latent.Width);
    }

    internal override void Compile(DensityCompiler to, int first, int width, WeightScope weights) => to.Normal(first, width, (network, context) =>
    {
        double[] loc = weights.Take("loc", context.Units, width), logScale = weights.Take("log_scale", context.Units, width);
        var table = new double[2 * width, context.Units];
        for (int c = 0; c < context.Units; c++)
            for (int i = 0; i < width; i++)
                (table[i, c], table[width + i, c]) = (loc[c * width + i], logScale[c * width + i]);
        return network.Linear(context, table, new double[2 * width], null);
    });
}

/// <summary>N(loc[class], diag(exp(log_scale[class])^2)); the tables are <c>[classes, width]</c>.</summary>
public sealed class ClassNormal : NormalDensity
{
    private readonly Parameter loc;
    private readonly Parameter log_scale;

    public ClassNormal(int width, int classes) : base(nameof(ClassNormal), width)
    {
        loc = new Parameter(zeros(classes, width));
        log_scale = new Parameter(zeros(classes, width));
        RegisterComponents();
    }

    // A one-hot row picks its line of the table exactly: the other products are zero.
    protected override (Tensor Mean, Tensor LogScale) Parameters(Tensor? context) =>
        (context!.mm(loc), context!.mm(log_scale));
}
