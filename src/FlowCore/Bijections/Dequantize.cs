using FlowCore.Densities;
using FlowCore.Engines.Compiled;
using FlowCore.Training;
using static TorchSharp.torch;

namespace FlowCore.Bijections;

/// <summary>The settings of <see cref="Dequantize"/>.</summary>
public sealed record DequantizeSpec : BijectionSpec
{
    /// <summary>For each feature, or channel, the distance between neighbouring values, 0 for a continuous one.</summary>
    public required double[] Steps { get; init; }

    internal override void Check(SpecScope at, EventShape shape)
    {
        if (at.Given(Steps, "steps").Length != shape.Channels)
            throw at.Refusal("steps", $"has {Steps.Length} entries for {shape.Channels} {(shape.IsImage ? "channels" : "features")}");
        if (Steps.Any(step => !(step >= 0 && double.IsFinite(step))))
            throw at.Refusal("steps", "must be 0 (continuous) or positive");
    }

    internal override void Compile(FlowCompiler to, EventShape shape, WeightScope weights, bool inverse)
    {
        // Outside training it is the identity.
    }
}

/// <summary>
/// Uniform dequantisation of discrete features: training spreads each value evenly over its own cell, value +- step / 2, so that
/// a density exists at all (Theis, van den Oord, Bethge 2016, arXiv 1511.01844). Outside training it is the identity: a value
/// is scored at the centre of its cell, and a sample belongs to the value nearest to it.
/// </summary>
public sealed class Dequantize : Bijection
{
    private readonly double[] steps;

    internal Dequantize(DequantizeSpec spec, EventShape shape) : base(nameof(Dequantize))
    {
        steps = [.. spec.Steps.SelectMany(step => Enumerable.Repeat(step, shape.Pixels))];
    }

    public override Mapped Forward(Tensor x, Tensor? context) => Identity(x);

    public override Mapped Inverse(Tensor z, Tensor? context) => Identity(z);

    /// <summary>The width of the cell of each value of a row.</summary>
    internal double[] Steps => steps;

    /// <summary>x + (u - 1/2) * step with u uniform in (0, 1), with the noise of a seed: each stream is noise of its own.</summary>
    public Table Spread(Table table, ulong seed, uint stream)
    {
        var spread = new double[table.Values.Length];
        for (int i = 0; i < spread.Length; i++)
        {
            uint word = Philox.At((uint)i, 0, stream, 3, (uint)seed, (uint)(seed >> 32)).W0;
            spread[i] = table.Values[i] + ((word + 0.5) / (1L << 32) - 0.5) * steps[i % steps.Length];
        }
        return new Table(spread, table.Width, table.Names, table.Context);
    }

    private static Mapped Identity(Tensor values) =>
        new(values.alias(), zeros(values.shape[0], values.dtype, values.device));
}
