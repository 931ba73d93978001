using System.Globalization;
using FlowCore;
using FlowCore.Training;

namespace FlowCli.Training;

/// <summary>What says that a flow has learned its data badly, though float32 computes it well.</summary>
internal static class FitWarnings
{
    // A factor of e in each feature's density: no chance of a small test set.
    private const double MostNatsPerFeature = 1;

    /// <summary>What the training itself tells.</summary>
    public static IEnumerable<string> Of(TrainedFlow trained)
    {
        if (trained.BestEpoch == 0 && trained.Steps > 0)
            yield return "no step improved on the start, which is the rows' Gaussian as far as the flow can be it, so that is what is written: "
                + "train with a lower --lr, or on more rows";
        if (trained.End == TrainingEnd.Time)
            yield return "the time was up before the validation rows stopped gaining: give more of it (--max-time, --max-cpu)";
    }

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
