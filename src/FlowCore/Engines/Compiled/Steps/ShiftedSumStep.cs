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

/// <summary>
/// Each output of a convolution from its taps: the bias, and tap by tap what stands at the pixels around; those outside the image are not read.
/// </summary>
internal sealed class ShiftedSumOperation(ShiftedSumNode node) : Operation
{
    public override IEnumerable<Region> Regions => [node.Input.Region, node.Region];

    // By columns, as they stand.
    private Formula Bias => node.Bias.Pick(NetworkCompiler.OrderOf(node));

    public override void Emit(KernelText text)
    {
        text.Use("""
            template<class TILE>
            APART void shifted_sum(
                TILE tile, int units, int height, int width, int kernel_height, int kernel_width, int dilation, int beside, Places from, Places to, const N *bias)
            {
                PHASE EACH(units * height * width)
                {
                    int unit = VALUE % units, pixel = VALUE / units, taps = kernel_height * kernel_width;
                    N sum = bias[unit];
                    for (int tap = 0; tap < taps; tap++)
                    {
                        int y = pixel / width + tap / kernel_width - kernel_height / 2, x = pixel % width + tap % kernel_width * dilation - beside;
                        if (y >= 0 && y < height && x >= 0 && x < width)
                            sum = sum + tile.at(from(((y * width + x) * taps + tap) * units + unit), ROW);
                    }
                    tile.at(to(VALUE), ROW) = sum;
                }
            }
            """);
        int units = node.Units;
        var (height, width) = node.Image;
        Kernel kernel = node.Kernel;
        string At(Node of, int count) => text.Places(of.Region, [.. from pixel in of.Pixels from unit in Enumerable.Range(0, count) select pixel + unit]);
        long sums = (long)units * height * width * node.Taps;
        text.Count(sums, sums);
        string sides = $"{height}, {width}, {kernel.Height}, {kernel.Width}, {kernel.Dilation}, {kernel.Beside}";
        string places = $"{At(node.Input, units * node.Taps)}, {At(node, units)}";
        text.Line($"shifted_sum(tile, {units}, {sides}, {places}, a.numbers + {text.Place(Bias.Values)});");
    }

    public override Step<T> Lower<T>(Lowering<T> to)
    {
        int wide = new Region(node.Units).Width;
        return new ShiftedSumStep<T>(node, to.Numbers(Bias, [.. Enumerable.Range(0, wide).Select(unit => unit < node.Units ? unit : -1)]));
    }
}

internal sealed unsafe class ShiftedSumStep<T> : Step<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly Region input, output;
    private readonly Numbers<T> bias;
    private readonly int units, taps, pixels;
    private readonly int[] sources; // of every pixel, tap by tap, where its taps stand; -1 outside the image
    private readonly Vector512<T>[] lanes; // ones where a vector of outputs holds one

    public ShiftedSumStep(ShiftedSumNode node, Numbers<T> bias)
    {
        (input, output, this.bias, units, taps, pixels) = (node.Input.Region, node.Region, bias, node.Units, node.Taps, node.Pixels.Length);
        sources = [.. from pixel in Enumerable.Range(0, pixels) from tap in Enumerable.Range(0, taps)
            select node.Source(pixel, tap) is { } source ? node.Input.Pixels[source] + tap * units : -1];
        lanes = [.. Enumerable.Range(0, units).Chunk(Vector512<T>.Count).Select(vector => PartVector.First<T>(vector.Length))];
        Debug.Assert(sources.Max() + lanes.Length * Vector512<T>.Count <= input.Width, "Whole vectors of a tap lie within a row.");
        Debug.Assert(pixels * units <= output.Width, "All pixels lie within a row, without gaps.");
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(in Tile<T> tile)
    {
        T* b = bias.At(tile);
        for (int row = 0; row < tile.Rows; row++)
        {
            T* from = tile.At(input) + row * input.Width, to = tile.At(output) + row * output.Width;
            for (int pixel = 0; pixel < pixels; pixel++)
                for (int i = 0; i < units; i += Vector512<T>.Count)
                {
                    Vector512<T> sum = Vector512.Load(b + i);
                    for (int tap = pixel * taps; tap < (pixel + 1) * taps; tap++)
                        if (sources[tap] is var source and >= 0)
                            sum += Vector512.Load(from + source + i);
                    int at = pixel * units + i;
                    PartVector.Store(sum, to + at, Whole(at, units - i));
                }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Back(in Tile<T> tile)
    {
        T* ofBias = bias.Learns ? bias.Gradient(tile) : null;
        for (int row = 0; row < tile.Rows; row++)
        {
            T* inner = tile.At(input.Adjoint) + row * input.Adjoint.Width, outer = tile.At(output.Adjoint) + row * output.Adjoint.Width;
            for (int pixel = 0; pixel < pixels; pixel++)
                for (int i = 0; i < units; i += Vector512<T>.Count)
                {
                    int at = pixel * units + i;
                    Vector512<T> adjoint = PartVector.Load(outer + at, Whole(at, units - i)) & lanes[i / Vector512<T>.Count];
                    if (ofBias is not null)
                        (Vector512.Load(ofBias + i) + adjoint).Store(ofBias + i);
                    for (int tap = pixel * taps; tap < (pixel + 1) * taps; tap++)
                        if (sources[tap] is var source and >= 0)
                            (Vector512.Load(inner + source + i) + adjoint).Store(inner + source + i);
                }
        }
    }

    // A whole vector where it ends within the row: what it holds behind a pixel's last output belongs to the next pixel, which is computed after it.
    private int Whole(int at, int left) => output.Width - at >= Vector512<T>.Count ? Vector512<T>.Count : left;
}
