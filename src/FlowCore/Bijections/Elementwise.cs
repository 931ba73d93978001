using FlowCore.Bijections.Elements;
using FlowCore.Conditioners;
using FlowCore.Conditioners.Layers;
using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Formulas;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Bijections;

/// <summary>The settings of <see cref="Elementwise"/>.</summary>
public sealed record ElementwiseSpec : BijectionSpec
{
    /// <summary>What is done to each feature.</summary>
    public required ElementSpec Element { get; init; }

    /// <summary>The network that reads the context, and no feature, and emits the element's parameters; null for learned constants.</summary>
    public ConditionerSpec? Conditioner { get; init; }

    internal override void Check(SpecScope at, EventShape shape)
    {
        at.Given(Element, "element").Check(at.In("element"), shape);
        if (Conditioner is null)
            at.Need("constants", [.. shape.Sizes, Element.ParameterCount]);
        else
            Conditioner.Check(at.In("conditioner"), shape with { Sizes = [0, .. shape.Sizes[1..]] }, (long)shape.Channels * Element.ParameterCount);
    }

    internal override void Compile(FlowCompiler to, EventShape shape, WeightScope weights, bool inverse)
    {
        var values = ElementParameters.All(shape);
        WeightScope element = weights.In("element");
        int[] indices = [.. values.Select(value => value.Channel * shape.Pixels + value.Pixel)];
        if (Conditioner is null)
        {
            Formula constants = weights.Take("constants", [.. shape.Sizes, Element.ParameterCount]);
            ElementParameters.Apply(to, Element, inverse, element, shape.Channels, indices, values,
                ElementParameters.Of(Element, constants, element, shape, values));
            return;
        }
        var (network, output) = to.Network(Conditioner, [0, .. shape.Sizes[1..]], [], shape.Channels * Element.ParameterCount, weights.In("conditioner"),
            ElementParameters.Order(Element, [[.. Enumerable.Range(0, shape.Channels)]]));
        to.Add(network.All());
        ElementParameters.Apply(to, Element, inverse, element, shape.Channels, indices, values,
            ElementParameters.Of(Element, output, element, shape, values));
    }
}

/// <summary>z_i = element(x_i): each feature on its own, its parameters learned, or made from the context.</summary>
public sealed class Elementwise : Bijection
{
    private const double Ridge = 1e-6;

    private readonly EventShape shape;
    private readonly Element element;
    private readonly Network? conditioner;
    private readonly Parameter? constants;

    internal Elementwise(ElementwiseSpec spec, EventShape shape) : base(nameof(Elementwise))
    {
        this.shape = shape;
        element = FlowBuilder.Build(spec.Element, shape);
        if (spec.Conditioner is { } network)
            conditioner = FlowBuilder.Build(network, shape with { Sizes = [0, .. shape.Sizes[1..]] }, shape.Channels * element.Parameters);
        else
            constants = new Parameter(zeros([.. shape.Sizes.Select(size => (long)size), element.Parameters]));
        RegisterComponents();
    }

    public override Mapped Forward(Tensor x, Tensor? context)
    {
        using var scope = NewDisposeScope();
        return Summed(element.Forward(x, Parameters(x, context)));
    }

    public override Mapped Inverse(Tensor z, Tensor? context)
    {
        using var scope = NewDisposeScope();
        return Summed(element.Inverse(z, Parameters(z, context)));
    }

    /// <summary>Learned constants start from what the element makes of the data, shifts by the context from its linear regression.</summary>
    protected override void Initialize(Tensor x, Tensor? context)
    {
        using var mode = no_grad();
        if (context is not null && element is AffineElement { Parameters: 1 } && conditioner?.Last is { } shift)
            Regress(shift, x, context);
        using Tensor? fitted = constants is null ? null : element.Fit(x);
        if (fitted is not null)
            constants!.copy_(fitted);
    }

    // The shift that leaves the least squares over, with a little ridge for contexts that determine each other.
    private static void Regress(LinearLayer shift, Tensor x, Tensor context)
    {
        using var scope = NewDisposeScope();
        Tensor rows = x.flatten(1).to(float64), given = cat([context.to(float64), ones(rows.shape[0], 1, float64, x.device)], 1);
        Tensor ridge = eye(given.shape[1], dtype: float64, device: x.device) * (Ridge * rows.shape[0]);
        Tensor fit = linalg.solve(given.t().mm(given) + ridge, given.t().mm(rows)).neg();
        long inputs = context.shape[1];
        if (shift.Inputs == inputs)
            shift.Set(fit.narrow(0, 0, inputs).t(), fit.select(0, inputs));
    }

    private Tensor Parameters(Tensor rows, Tensor? context) => conditioner is null
        ? constants!.unsqueeze(0).expand([rows.shape[0], .. constants.shape])
        : element.Arrange(conditioner.Forward(rows.narrow(1, 0, 0), context), shape);

    private static Mapped Summed(ElementMapped mapped) => new(
        mapped.Values.MoveToOuterDisposeScope(), mapped.LogDerivative.flatten(1).sum(1).MoveToOuterDisposeScope());
}
