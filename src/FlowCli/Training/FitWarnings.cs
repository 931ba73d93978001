using System.Globalization;
using FlowCore;
using FlowCore.Training;

namespace FlowCli.Training;

/// <summary>What says that a flow has learned its data badly, though float32 computes it well.</summary>
internal static class FitWarnings
{
    // A factor of e in each feature's density: no chance of a small test set.
    private const double MostNatsPerFeature = 1;

    /// <summary>What makes a flow easier to compute.</summary>
    public const string MoreStable = "fewer --layers, a lower --lr or --activation tanh";

    /// <summary>What the training itself tells.</summary>
    public static IEnumerable<string> Of(TrainedFlow trained)
    {
        foreach (TriedFlow tried in trained.Tried.Where(each => each.Unstable is not null))
            yield return $"'{tried.Preset}' would have been chosen, but float32 cannot compute it, so that it was left out: {Why(tried.Unstable!)}"
                + (tried.Preset == FlowPresets.Mixture ? "" : $"; --flow {tried.Preset} with {MoreStable} may give one that can be served");
        if (trained.UnstableRefit is { } refit)
            yield return "float32 cannot compute what the last training, on the validation rows too, led to, so that the flow before it is what is "
                + $"written: {Why(refit)}";
        if (trained.BestEpoch == 0 && trained.Steps > 0)
            yield return "no step improved on the start, which is the rows' Gaussian as far as the flow can be it, so that is what is written: "
                + "train with a lower --lr, or on more rows";
        if (trained.End == TrainingEnd.Time)
            yield return "the time was up before the validation rows stopped gaining: give more of it (--max-time, --max-cpu)";
    }

    /// <summary>What is wrong with a flow that float32 cannot compute.</summary>
    public static string Why(Stability stability) => string.Create(CultureInfo.InvariantCulture,
        $"a held-out row comes back from its latent with an error of {stability.RoundTrip:G3}, its log density differs from float64's by "
        + $"{stability.LogDensity:G3} and that of drawn rows from what scoring them gives by {stability.Samples:G3}, all relative, where "
        + $"{Stability.Tolerance} is allowed");

    public static IEnumerable<string> Of(Evaluation evaluation, FlowSpec spec)
    {
        (string Name, double Lack)[] figures =
            [("mean", evaluation.GaussianMean - evaluation.Mean), ("median", evaluation.GaussianMedian - evaluation.MedianOfRows)];
        foreach ((string name, double lack) in figures)
            if (!(lack <= MostNatsPerFeature * spec.Width))
                yield return string.Create(CultureInfo.InvariantCulture,
                    $"the {name} test log-likelihood is {lack:G3} nats below that of the {ModelCard.Yardstick(spec)}, which knows of nothing "
                    + $"but lines: train longer (--epochs, --max-time), with a lower --lr, or another --flow, and look for outlying rows");
    }
}
