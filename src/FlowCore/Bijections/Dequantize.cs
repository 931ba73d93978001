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

    /// <summary>
    /// The side of blocks of pixels whose means the noise keeps, for flows whose context these are; null for noise that is independent
    /// from pixel to pixel.
    /// </summary>
    public int? KeepMeans { get; init; }

    internal override void Check(SpecScope at, EventShape shape)
    {
        if (at.Given(Steps, "steps").Length != shape.Channels)
            throw at.Refusal("steps", $"has {Steps.Length} entries for {shape.Channels} {(shape.IsImage ? "channels" : "features")}");
        if (Steps.Any(step => !(step >= 0 && double.IsFinite(step))))
            throw at.Refusal("steps", "must be 0 (continuous) or positive");
        if (KeepMeans is not { } side)
            return;
        var (_, height, width) = at.Image(shape);
        at.Within("keep_means", side, 2, 16);
        if (height % side != 0 || width % side != 0)
            throw at.Refusal("keep_means", $"{height} x {width} pixels are not whole blocks of {side} x {side}");
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
    private readonly int[][] blocks;

    internal Dequantize(DequantizeSpec spec, EventShape shape) : base(nameof(Dequantize))
    {
        steps = [.. spec.Steps.SelectMany(step => Enumerable.Repeat(step, shape.Pixels))];
        blocks = spec.KeepMeans is { } side ? [.. Blocks(shape, side).Where(block => steps[block[0]] > 0)] : [];
    }

    public override Mapped Forward(Tensor x, Tensor? context) => Identity(x);

    public override Mapped Inverse(Tensor z, Tensor? context) => Identity(z);

    /// <summary>The width of the cell of each value of a row.</summary>
    internal double[] Steps => steps;

    /// <summary>x + (u - 1/2) * step with u uniform in (0, 1), with the noise of a seed: each stream is noise of its own.</summary>
    public Table Spread(Table table, ulong seed, uint stream)
    {
        var spread = new double[table.Values.Length];
        var noise = new double[table.Width];
        for (int i = 0; i < spread.Length; i++)
        {
            int column = i % steps.Length;
            noise[column] = (Philox.At((uint)i, 0, stream, 3, (uint)seed, (uint)(seed >> 32)).W0 + 0.5) / (1L << 32);
            if (column < steps.Length - 1)
                continue;
            ToCells(noise);
            for (int at = 0; at < noise.Length; at++)
                spread[i - column + at] = table.Values[i - column + at] + noise[at] * steps[at];
        }
        return new Table(spread, table.Width, table.Names, table.Context);
    }

    /// <summary>From uniforms on (0, 1) to uniform points of the cells around a row's values, in units of their widths.</summary>
    internal void ToCells(Span<double> uniforms)
    {
        if (blocks.Length == 0)
        {
            for (int i = 0; i < uniforms.Length; i++)
                uniforms[i] -= 0.5;
            return;
        }
        Span<double> noise = stackalloc double[blocks[0].Length];
        foreach (int[] block in blocks)
        {
            for (int i = 0; i < block.Length; i++)
                noise[i] = uniforms[block[i]];
            BlockLattice.ToCell(noise);
            for (int i = 0; i < block.Length; i++)
                uniforms[block[i]] = noise[i];
        }
    }

    /// <summary>The values of each block, flat.</summary>
    private static IEnumerable<int[]> Blocks(EventShape shape, int side)
    {
        var (channels, height, width) = shape.Image;
        return from line in Enumerable.Range(0, channels * height / side)
               from column in Enumerable.Range(0, width / side)
               select (from y in Enumerable.Range(0, side) from x in Enumerable.Range(0, side) select (line * side + y) * width + column * side + x).ToArray();
    }

    private static Mapped Identity(Tensor values) =>
        new(values.alias(), zeros(values.shape[0], values.dtype, values.device));
}
