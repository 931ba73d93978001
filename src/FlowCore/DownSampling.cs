using System.Numerics;
using FlowCore.Bijections;

namespace FlowCore;

/// <summary>
/// The way between images and their small ones, of flows whose context is the image itself, down-sampled: each small pixel is the mean
/// of a block.
/// </summary>
public sealed class DownSampling
{
    // Beyond this a number of steps has no exact sum.
    private const double Largest = 1L << 56;

    private readonly int side, channels, height, width;
    private readonly PixelValues pixels;

    private DownSampling(FlowSpec spec, int side) =>
        (this.side, channels, height, width, pixels) = (side, spec.EventShape[0], spec.EventShape[1], spec.EventShape[2], spec.Pixels ?? new(0, 1, 0));

    /// <summary>Null where the flow's context is something else.</summary>
    public static DownSampling? Of(FlowSpec spec) => spec.Context?.BlockMeans is { } side ? new(spec, side) : null;

    /// <summary>The small images of images, both flat.</summary>
    public void Means<T>(ReadOnlySpan<T> images, Span<T> means)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var block = new double[side * side];
        for (int i = 0; i < means.Length; i++)
        {
            Read(images, i, block);
            means[i] = T.CreateTruncating(block.Average());
        }
    }

    /// <summary>
    /// Moves samples, by less than what rounding has done to them already, so that the mean of every block is its small pixel to the last
    /// bit, in whatever order the block is added up. A mean of more digits than the sum of a block can have is met to the next of those.
    /// </summary>
    public void Settle<T>(Span<T> images, ReadOnlySpan<T> means)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int digits = typeof(T) == typeof(float) ? 24 : 52;
        Round(images, means, 0, Step, long.MinValue / 2, long.MaxValue / 2);

        // The digits of a sum must reach from the largest that it can be to a step.
        double Step(double[] block) => Math.Pow(2, Math.Ceiling(Math.Log2(Math.Max(block.Max(Math.Abs), 1e-30) * 1.001 * block.Length)) - digits);
    }

    /// <summary>
    /// Moves samples to the values that pixels take, so that the mean of every block is its small pixel, exactly where that is the mean
    /// of such values; nothing where pixels are continuous.
    /// </summary>
    public void Round<T>(Span<T> images, ReadOnlySpan<T> means)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (pixels.Step > 0)
            Round(images, means, pixels.Low + pixels.Step / 2, _ => pixels.Step, 0, (long)Math.Round((pixels.High - pixels.Low) / pixels.Step) - 1);
    }

    // To first + step times integers between bounds; each block may have a step of its own.
    private void Round<T>(Span<T> images, ReadOnlySpan<T> means, double first, Func<double[], double> stepOf, long least, long most)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var block = new double[side * side];
        for (int i = 0; i < means.Length; i++)
        {
            double mean = double.CreateTruncating(means[i]);
            if (!Read<T>(images, i, block) || !(Math.Abs(mean / stepOf(block)) < Largest))
                continue;
            double step = stepOf(block);
            if (block.Any(value => Math.Abs(value / step) > Largest))
                continue;
            for (int at = 0; at < block.Length; at++)
                block[at] = (block[at] - first) / step;
            long sum = (long)Math.Clamp(Math.Round((mean - first) / step * block.Length), (double)least * block.Length, (double)most * block.Length);
            BlockLattice.Round(block, sum, least, most);
            for (int at = 0; at < block.Length; at++)
                images[Place(i, at)] = T.CreateTruncating(first + block[at] * step);
        }
    }

    private bool Read<T>(ReadOnlySpan<T> images, int mean, Span<double> block)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        bool finite = true;
        for (int at = 0; at < block.Length; at++)
        {
            block[at] = double.CreateTruncating(images[Place(mean, at)]);
            finite &= double.IsFinite(block[at]);
        }
        return finite;
    }

    /// <summary>Where a value of a block stands: small pixels are counted through images, channels, lines and columns.</summary>
    private int Place(int mean, int at)
    {
        int across = width / side, down = height / side;
        var (line, column) = (mean / across % down * side + at / side, mean % across * side + at % side);
        return mean / (across * down) * height * width + line * width + column;
    }
}
