using CsCheck;
using FlowCore.Densities;
using FlowCore.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace FlowCore.Tests.Laws;

/// <summary>A kind at one size with random float64 weights, and data and context for it: all drawn from one seed.</summary>
public sealed record Instance(Kind Kind, int Features, int Context, int Rows, ulong Seed)
{
    /// <summary>The values of its context.</summary>
    public int Context { get; } = Kind.Given?.Width ?? Context;

    public static Gen<Instance> Of(Kind kind) => Gen.Select(
        Gen.Int[kind.Least, kind.Most], Gen.Int[kind.NeedsContext ? 1 : 0, 3], Gen.Int[1, 6], Gen.ULong,
        (features, context, rows, seed) => new Instance(kind, kind.Image?.Aggregate((a, b) => a * b) ?? features, context, rows, seed));

    /// <summary>A flow of this one bijection, in float64.</summary>
    public Flow Build()
    {
        var spec = new FlowSpec
        {
            Name = "law",
            EventShape = Kind.Image ?? [Features],
            Context = Kind.Given ?? (Context > 0 ? new ContextSpec { Size = Context } : null),
            Bijections = [Kind.Of(Features)],
        };
        Flow flow = FlowBuilder.Build(spec);
        flow.to(float64);
        flow.eval();
        RandomWeights.Fill(flow, Seed);
        flow.to(TestDevice.Device);
        return flow;
    }

    /// <summary>Data rows <c>[rows, features]</c>, within the kind's domain.</summary>
    public Tensor Data()
    {
        // Far out, a numerical element is all but flat: no inverse could give back what its slope has taken away.
        Tensor normal = Normal(stream: 1, Rows, Features) * (Kind.Numerical ? 0.7 : 2);
        return Kind.UnitInterval ? normal.sigmoid() * 0.98 + 0.01 : Kind.Angle ? Angles(normal) : normal;
    }

    /// <summary>Latents <c>[rows, features]</c>.</summary>
    public Tensor Latents()
    {
        Tensor normal = Normal(stream: 2, Rows, Features) * (Kind.Numerical ? 0.7 : 1);
        return Kind.UnitLatents ? normal.sigmoid() * 0.98 + 0.01 : Kind.Angle ? Angles(normal) : normal;
    }

    public Tensor? Condition() => Context == 0 ? null : Normal(stream: 3, Rows, Context);

    private static Tensor Angles(Tensor normal) => normal.tanh() * (Math.PI - 1e-3);

    private Tensor Normal(ulong stream, int rows, int width)
    {
        var values = new double[rows * width];
        Noise.FillNormal(Seed + stream, 0, width, values.AsSpan());
        return TensorRows.From<double>(values, rows, width, TestDevice.Device);
    }
}
