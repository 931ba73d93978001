using FlowCore.Densities;
using static TorchSharp.torch;

namespace FlowCore.Training.Mixtures;

/// <summary>A mixture's size: its components, and the rows with their common covariance that are added to each.</summary>
internal readonly record struct MixtureSize(int Components, double Prior);

/// <summary>
/// Flows over a mixture of normals with full covariances. Without a bijection but a standardisation that is the classical density of a
/// table, and often as good as any flow; under the bijections of one, a better place to start than a single normal.
/// </summary>
internal static class MixtureFlow
{
    private static readonly int[] Components = [1, 2, 3, 4, 6, 8, 12, 16, 24];

    // Tried beside as many rows as there are columns.
    private static readonly double[] Priors = [0.1, 0.3, 3];

    private const int LeastRowsPerComponent = 8, MostRows = 20_000;

    /// <summary>How large a mixture held-out rows gain by: mixtures grow until two in a row are no better. No components where the rows are too few for one.</summary>
    /// <param name="train">Rows to fit to, in units of their spread.</param>
    /// <param name="heldOut">Rows to choose by.</param>
    /// <param name="score">What these are worth, given their log densities.</param>
    /// <param name="seed">Where the fits begin.</param>
    /// <param name="isOver">Whether there is no time left for a larger one.</param>
    public static MixtureSize Choose(Table train, Table heldOut, Func<double[], double> score, ulong seed, Func<bool> isOver)
    {
        Table rows = train.Rows <= MostRows ? train : train.Take(RowOrder.First(MostRows));
        MixtureSize best = default;
        double bestScore = double.NegativeInfinity, bestMean = double.NegativeInfinity;
        int worse = 0;
        foreach (int components in Components)
        {
            if (rows.Rows < components * LeastRowsPerComponent || rows.Rows <= rows.Width || isOver())
                break;
            // With what all components share, and without: mass on a few values has a shape of its own.
            bool shared = Try(new(components, rows.Width)), alone = components > 1 && Try(new(components, 0));
            if (shared || alone)
                worse = 0;
            else if (++worse == 2)
                break;
        }
        foreach (double factor in best.Prior > 0 && best.Components > 1 ? Priors : [])
            if (!isOver())
                Try(best with { Prior = factor * rows.Width });
        return best;

        bool Try(MixtureSize size)
        {
            double[] logProb = MixtureFit.Of(rows, size.Components, size.Prior, seed).LogProb(heldOut);
            double reached = score(logProb), mean = logProb.Average();
            // Nothing bounds what a row costs that a component of its own shape does not know: then every row has its say.
            bool isBetter = reached > bestScore && (size.Prior > 0 || mean > bestMean);
            if (isBetter)
                (best, bestScore, bestMean) = (size, reached, mean);
            return isBetter;
        }
    }

    /// <summary>Fits a flow's base to latents, flat rows, where it is a mixture with full covariances.</summary>
    /// <param name="flow">The flow.</param>
    /// <param name="latents">What training rows become by its bijections.</param>
    /// <param name="prior">The rows that are added to each component, of the covariance that they have in common; null for as many as there are features.</param>
    /// <param name="seed">Where the fit begins.</param>
    public static void FitBase(Flow flow, Tensor latents, double? prior, ulong seed)
    {
        if (flow.Spec.Base is not GaussianMixtureSpec { Covariance: MixtureCovariance.Full, Components: var components })
            return;
        using Tensor rows = latents.flatten(1).narrow(0, 0, Math.Min(latents.shape[0], MostRows)).to(float64).contiguous();
        Install(flow, MixtureFit.Of(new Table(rows.data<double>().ToArray(), flow.Spec.Width), components, prior ?? flow.Spec.Width, seed));
    }

    /// <summary>Gives a flow's base what was fitted.</summary>
    private static void Install(Flow flow, MixtureFit fit)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        int width = flow.Spec.Width;
        var logScales = new double[fit.Components * width];
        for (int i = 0; i < logScales.Length; i++)
            logScales[i] = -Math.Log(fit.Factors[(i / width * width + i % width) * width + i % width]);
        Set("loc", fit.Means.ToArray(), fit.Components, width);
        Set("log_scale", logScales, fit.Components, width);
        Set("precision", fit.Factors.ToArray(), fit.Components, width, width);
        Set("weight_scores", fit.LogWeights, fit.Components);

        void Set(string name, double[] values, params long[] shape) =>
            flow.get_parameter($"base_density.{name}")!.copy_(tensor(values).reshape(shape));
    }
}
