using FlowCore;
using FlowCore.Checkpoints;
using FlowCore.Engines;
using FlowCore.Training;
using FlowRows.Pictures;

namespace FlowCli.Training;

/// <summary>
/// Samples of a super-resolution flow beside the held-out images that they were drawn for. PSNR is 10 log10(range^2 / mean square of
/// the differences), in decibels.
/// </summary>
/// <param name="Draws">The samples of each image.</param>
/// <param name="OfMean">PSNR of the mean of the samples.</param>
/// <param name="OfBest">Of the best of them.</param>
/// <param name="OfOne">Of one of them.</param>
/// <param name="OfBicubic">Of the small image, enlarged by a cubic.</param>
/// <param name="Diversity">The standard deviation of a pixel among the samples, in the pixels' units.</param>
/// <param name="Inconsistency">The largest difference of a sample, down-sampled, from its small image.</param>
internal sealed record Enlargement(int Draws, double OfMean, double OfBest, double OfOne, double OfBicubic, double Diversity, double Inconsistency)
{
    private const int MostImages = 64, SamplesOfEach = 10;

    /// <summary>Null of flows that are of another kind.</summary>
    public static Enlargement? Of(Checkpoint checkpoint, Table test, ulong seed, int threads)
    {
        FlowSpec spec = checkpoint.Spec;
        if (DownSampling.Of(spec) is not { } sampling || test.Rows == 0)
            return null;
        using FlowEngine<float> engine = Engine.Open<float>(checkpoint, threads: threads);
        int images = Math.Min(MostImages, test.Rows), width = spec.Width, small = spec.ContextWidth;
        PixelRange range = PixelRange.Of(spec);
        float[] means = Array.ConvertAll(test.Context!.Values[..(images * small)], value => (float)value);
        float[] bicubic = Bicubic.Enlarge(means, spec.Context!.Shape![1], spec.Context.Shape[2], spec.Context.BlockMeans!.Value, range);
        double ofMean = 0, ofBest = 0, ofOne = 0, ofBicubic = 0, variance = 0, inconsistency = 0;
        for (int image = 0; image < images; image++)
        {
            ReadOnlySpan<double> original = test.Row(image);
            float[] drawn = Draw(engine, means.AsSpan(image * small, small), seed, (long)image * SamplesOfEach), back = new float[SamplesOfEach * small];
            ReadOnlySpan<float> given = means.AsSpan(image * small, small);
            for (int sample = 0; sample < SamplesOfEach; sample++)
                sampling.Round(drawn.AsSpan(sample * width, width), given);
            sampling.Means(drawn, back);
            for (int i = 0; i < back.Length; i++)
                inconsistency = Math.Max(inconsistency, Math.Abs(back[i] - given[i % small]));
            var mean = new float[width];
            for (int i = 0; i < drawn.Length; i++)
                mean[i % width] += drawn[i] / SamplesOfEach;
            for (int i = 0; i < drawn.Length; i++)
                variance += Math.Pow(drawn[i] - mean[i % width], 2) / (drawn.Length - width);
            double best = double.NegativeInfinity;
            for (int sample = 0; sample < SamplesOfEach; sample++)
                best = Math.Max(best, Ratio(drawn.AsSpan(sample * width, width), original, range));
            ofMean += Ratio(mean, original, range);
            ofBest += best;
            ofOne += Ratio(drawn.AsSpan(0, width), original, range);
            ofBicubic += Ratio(bicubic.AsSpan(image * width, width), original, range);
        }
        return new(SamplesOfEach, ofMean / images, ofBest / images, ofOne / images, ofBicubic / images, Math.Sqrt(variance / images), inconsistency);
    }

    private static float[] Draw(FlowEngine<float> engine, ReadOnlySpan<float> context, ulong seed, long firstRow)
    {
        int width = engine.Width;
        float[] noise = new float[SamplesOfEach * engine.NoiseWidth], contexts = new float[SamplesOfEach * context.Length], warm = new float[SamplesOfEach];
        float[] z = new float[SamplesOfEach * width], x = new float[z.Length], ofRows = new float[SamplesOfEach];
        for (int i = 0; i < contexts.Length; i++)
            contexts[i] = context[i % context.Length];
        Array.Fill(warm, 1);
        engine.DrawNoise(seed, firstRow, noise);
        engine.Latents(noise, contexts, warm, z, ofRows);
        engine.Inverse(z, contexts, x, ofRows, new float[SamplesOfEach]);
        return x;
    }

    private static double Ratio(ReadOnlySpan<float> image, ReadOnlySpan<double> original, PixelRange range)
    {
        double squares = 0;
        for (int i = 0; i < image.Length; i++)
            squares += (image[i] - original[i]) * (image[i] - original[i]);
        double span = range.High - range.Low;
        // An image that is met exactly would count as infinitely good: a hundredth of a level stands for no error.
        return 10 * Math.Log10(span * span / Math.Max(squares / image.Length, 1e-4));
    }
}
