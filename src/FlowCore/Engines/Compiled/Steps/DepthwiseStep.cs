using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FlowCore.Engines.Compiled.Formulas;
using FlowCore.Engines.Compiled.Kernels;
using FlowCore.Engines.Compiled.Network;
using FlowCore.Engines.Compiled.Training;
using FlowCore.Engines.Gpu;

namespace FlowCore.Engines.Compiled.Steps;

/// <summary>A convolution along time of each unit by itself: frames outside the sequence are not read.</summary>
internal sealed class DepthwiseOperation(DepthwiseNode node) : Operation
{
    public override IEnumerable<Region> Regions => [node.Input.Region, node.Region];

    public override void Emit(KernelText text)
    {
        text.Use("""
            template<class TILE>
            APART void depthwise(
                TILE tile, int units, int frames, int kernel, int dilation, Places from, Places to, const N *weights, const N *shifts, const N *bias)
            {
                PHASE EACH(units * frames)
                {
                    int unit = VALUE % units, frame = VALUE / units;
                    N sum = bias[unit];
                    for (int tap = 0; tap < kernel; tap++)
                    {
                        int at = frame + (tap - kernel / 2) * dilation;
                        if (at < 0 || at >= frames)
                            continue;
                        sum = multiply_add(tile.at(from(at * units + unit), ROW), weights[tap * units + unit], sum);
                        if (shifts)
                            sum = sum + shifts[tap * units + unit];
                    }
                    tile.at(to(VALUE), ROW) = sum;
                }
            }
            """);
        int units = node.Units, frames = node.Pixels.Length;
        string ByTap(Formula? values) => values is null ? "nullptr"
            : $"a.numbers + {text.Place([.. from tap in Enumerable.Range(0, node.Kernel) from unit in Enumerable.Range(0, units) select values.Values[unit * node.Kernel + tap]])}";
        string At(Node of) => text.Places(of.Region, [.. from pixel in of.Pixels from unit in Enumerable.Range(0, units) select pixel + of.Columns[0] + unit]);
        long products = (long)units * frames * node.Kernel;
        text.Count(products, products);
        text.Line($"depthwise(tile, {units}, {frames}, {node.Kernel}, {node.Dilation}, {At(node.Input)}, {At(node)}, {ByTap(node.Weights)}, {ByTap(node.Shifts)}, a.numbers + {text.Place(node.Bias.Values)});");
    }

    public override Step<T> Lower<T>(Lowering<T> to)
    {
        int units = node.Units, wide = new Region(units).Width;
        // Tap by tap, each a whole number of vectors.
        int[] taps = [.. from tap in Enumerable.Range(0, node.Kernel) from unit in Enumerable.Range(0, wide) select unit < units ? unit * node.Kernel + tap : -1];
        int[] each = [.. Enumerable.Range(0, wide).Select(unit => unit < units ? unit : -1)];
        return new DepthwiseStep<T>(node, to.Numbers(node.Weights, taps), node.Shifts is null ? null : to.Numbers(node.Shifts, taps), to.Numbers(node.Bias, each));
    }
}

internal sealed unsafe class DepthwiseStep<T> : Step<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly Region input, output;
    private readonly Numbers<T> weights, bias;
    private readonly Numbers<T>? shifts;
    private readonly int[] inputs, outputs;
    private readonly int units, wide, kernel, dilation;

    public DepthwiseStep(DepthwiseNode node, Numbers<T> weights, Numbers<T>? shifts, Numbers<T> bias)
    {
        (this.weights, this.shifts, this.bias) = (weights, shifts, bias);
        (input, output, units, kernel, dilation) = (node.Input.Region, node.Region, node.Units, node.Kernel, node.Dilation);
        wide = new Region(units).Width;
        inputs = [.. node.Input.Pixels.Select(pixel => pixel + node.Input.Columns[0])];
        outputs = [.. node.Pixels.Select(pixel => pixel + node.Columns[0])];
        Debug.Assert(inputs.Max() + units <= input.Width && outputs.Max() + units <= output.Width, "All units lie within a row.");
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(in Tile<T> tile)
    {
        T* w = weights.At(tile), b = bias.At(tile), s = shifts is { } more ? more.At(tile) : null;
        int frames = inputs.Length, half = kernel / 2;
        for (int row = 0; row < tile.Rows; row++)
        {
            T* from = tile.At(input) + row * input.Width, to = tile.At(output) + row * output.Width;
            for (int frame = 0; frame < frames; frame++)
                for (int i = 0; i < units; i += Vector512<T>.Count)
                {
                    Vector512<T> sum = Vector512.Load(b + i);
                    for (int tap = 0; tap < kernel; tap++)
                    {
                        int at = frame + (tap - half) * dilation;
                        if (at < 0 || at >= frames)
                            continue;
                        sum = VectorMath.MultiplyAdd(PartVector.Load(from + inputs[at] + i, units - i), Vector512.Load(w + tap * wide + i), sum);
                        if (s is not null)
                            sum += Vector512.Load(s + tap * wide + i);
                    }
                    PartVector.Store(sum, to + outputs[frame] + i, units - i);
                }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Back(in Tile<T> tile)
    {
        T* w = weights.At(tile), ofW = weights.Learns ? weights.Gradient(tile) : null, ofB = bias.Learns ? bias.Gradient(tile) : null;
        int frames = inputs.Length, half = kernel / 2;
        for (int row = 0; row < tile.Rows; row++)
        {
            T* from = tile.At(input) + row * input.Width, inner = tile.At(input.Adjoint) + row * input.Adjoint.Width;
            T* outer = tile.At(output.Adjoint) + row * output.Adjoint.Width;
            for (int frame = 0; frame < frames; frame++)
                for (int i = 0; i < units; i += Vector512<T>.Count)
                {
                    int left = units - i;
                    Vector512<T> adjoint = PartVector.Load(outer + outputs[frame] + i, left);
                    if (ofB is not null)
                        (Vector512.Load(ofB + i) + adjoint).Store(ofB + i);
                    for (int tap = 0; tap < kernel; tap++)
                    {
                        int at = frame + (tap - half) * dilation;
                        if (at < 0 || at >= frames)
                            continue;
                        T* place = inner + inputs[at] + i, ofTap = ofW + tap * wide + i;
                        if (ofW is not null)
                            VectorMath.MultiplyAdd(adjoint, PartVector.Load(from + inputs[at] + i, left), Vector512.Load(ofTap)).Store(ofTap);
                        PartVector.Store(VectorMath.MultiplyAdd(adjoint, Vector512.Load(w + tap * wide + i), PartVector.Load(place, left)), place, left);
                    }
                }
        }
    }
}
