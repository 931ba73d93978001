using System.Globalization;
using System.Text;
using FlowCore;
using FlowCore.Training;

namespace FlowCli.Training;

/// <summary>What the card of a super-resolution flow says of its samples.</summary>
internal static class EnlargementCard
{
    public static void Write(StringBuilder card, CardFacts facts, Enlargement samples)
    {
        (FlowSpec spec, PixelValues pixels) = (facts.Spec, facts.Plan.Pixels!);
        int side = spec.Context!.BlockMeans!.Value;
        card.AppendLine().AppendLine(CultureInfo.InvariantCulture,
            $"The density is that of the {spec.FreeWidth} values which the small image leaves open of {spec.Width}: the details of the image in an orthonormal basis, in its own pixel values.");
        if (pixels.Step > 0)
            card.AppendLine(CultureInfo.InvariantCulture,
                $"Pixels are integers: a block of {side} x {side} with a known mean is spread over its cell of the lattice of such blocks, the test images' too. With the cells' volume, the discrete images cost at most {Discrete(facts.Evaluation.LogProb, spec, pixels):F3} bits/dim by this flow, {Discrete(facts.Evaluation.GaussianLogProb, spec, pixels):F3} by the regression.");
        card.AppendLine().AppendLine("## Samples").AppendLine();
        card.AppendLine("| PSNR on test images | dB |").AppendLine("|---|---:|");
        Row(card, "bicubic", samples.OfBicubic);
        Row(card, $"mean of {samples.Draws} samples", samples.OfMean);
        Row(card, $"best of {samples.Draws} samples", samples.OfBest);
        Row(card, "one sample", samples.OfOne);
        card.AppendLine().AppendLine(CultureInfo.InvariantCulture,
            $"Among the samples of one small image a pixel has a standard deviation of {samples.Diversity:F2}. Down-sampled, a sample differs from the image it was drawn for by {samples.Inconsistency:G3} at most.");
    }

    private static void Row(StringBuilder card, string name, double value) => card.AppendLine(CultureInfo.InvariantCulture, $"| {name} | {value:F2} |");

    // A bound of the cost of the pixels' integers: the mean density over a cell times its volume is no more than their probability.
    private static double Discrete(double[] logProb, FlowSpec spec, PixelValues pixels)
    {
        int side = spec.Context!.BlockMeans!.Value;
        double volume = spec.ContextWidth * 0.5 * Math.Log(side * side) + spec.FreeWidth * Math.Log(pixels.Step);
        return Evaluation.BitsPerDimension(logProb.Average() + volume, spec.FreeWidth);
    }
}
