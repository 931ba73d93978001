using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Formulas;
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
        int classes = context.Units;
        Formula both = Formula.Joined(weights.Take("loc", classes, width), weights.Take("log_scale", classes, width));
        // [means | log standard deviations] of all classes, value by value.
        Formula table = both.Pick([.. from i in Enumerable.Range(0, 2 * width) from c in Enumerable.Range(0, classes) select (i / width * classes + c) * width + i % width]);
        return network.Linear(context, table, Formula.Repeated(0, 2 * width), null);
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
