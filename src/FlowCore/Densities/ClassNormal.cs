using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Densities;

/// <summary>Independent normals whose means and log standard deviations depend on the class.</summary>
public sealed record ClassNormalSpec : BaseDensitySpec;

/// <summary>N(loc[class], diag(exp(log_scale[class])^2)); the tables are <c>[classes, width]</c>.</summary>
public sealed class ClassNormal : NormalDensity
{
    private readonly Parameter loc;
    private readonly Parameter log_scale;

    public ClassNormal(int width, int classes) : base(nameof(ClassNormal), width)
    {
        if (classes < 1)
            throw new SpecException("base: class_normal needs a context with classes");
        loc = new Parameter(zeros(classes, width));
        log_scale = new Parameter(zeros(classes, width));
        RegisterComponents();
    }

    // A one-hot row picks its line of the table exactly: the other products are zero.
    protected override (Tensor Mean, Tensor LogScale) Parameters(Tensor? context) =>
        (context!.mm(loc), context!.mm(log_scale));
}
