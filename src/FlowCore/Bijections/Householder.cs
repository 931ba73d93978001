using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Formulas;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Bijections;

/// <summary>The settings of <see cref="Householder"/>.</summary>
public sealed record HouseholderSpec : BijectionSpec
{
    private const int MostCompiled = 2048;

    /// <summary>The number of reflections.</summary>
    public required int Reflections { get; init; }

    internal override void Check(SpecScope at, EventShape shape)
    {
        int features = at.Vector(shape);
        at.Within("reflections", Reflections, 1, 4096);
        at.Need("vectors", Reflections, features);
    }

    internal override void Compile(FlowCompiler to, EventShape shape, WeightScope weights, bool inverse)
    {
        int n = shape.Features;
        if (n > MostCompiled)
            throw new NotCompiledException($"householder: the compiled engine multiplies the reflections out, for at most {MostCompiled} features");
        Formula vectors = weights.Take("vectors", Reflections, n), matrix = Formula.Repeated(1, n).Diagonal();
        for (int k = 0; k < Reflections; k++)
            matrix = matrix.Reflected(vectors.Pick([.. Enumerable.Range(k * n, n)]));
        to.Affine(AffineMap.Linear(matrix), Formula.Fixed(0), inverse);
    }
}

/// <summary>
/// Reflections one after the other, x - 2 v (v . x) / |v|^2: an orthogonal map, which preserves volume (Householder 1958; Tomczak,
/// Welling 2016, arXiv 1611.09630). The vectors are <c>[reflections, features]</c>; none may be 0.
/// </summary>
public sealed class Householder : Bijection
{
    private readonly Parameter vectors;

    public Householder(HouseholderSpec spec, int features) : base(nameof(Householder))
    {
        vectors = new Parameter(ones(spec.Reflections, features));
        RegisterComponents();
    }

    public override Mapped Forward(Tensor x, Tensor? context) => Reflected(x, vectors);

    // Each reflection undoes itself.
    public override Mapped Inverse(Tensor z, Tensor? context) => Reflected(z, vectors.flip(0));

    private static Mapped Reflected(Tensor values, Tensor vectors)
    {
        using var scope = NewDisposeScope();
        Tensor halves = vectors / vectors.square().sum(1, keepdim: true), twice = halves + halves, result = values;
        for (int k = 0; k < vectors.shape[0]; k++)
            result -= nn.functional.linear(result, vectors.narrow(0, k, 1)) * twice[k];
        return new(result.MoveToOuterDisposeScope(), zeros_like(values.select(1, 0)).MoveToOuterDisposeScope());
    }
}
