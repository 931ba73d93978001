using FlowCore.Densities;
using static TorchSharp.torch;

namespace FlowCore.Training.Mixtures;

/// <summary>
/// Flows over a mixture of normals with full covariances. Without a bijection but a standardisation that is the classical density of a
/// table, and often as good as any flow; under the bijections of one, a better place to start than a single normal.
/// </summary>
internal static class MixtureFlow
{
    // Two hundredths of a nat at most are given for it.
    private const double Broad = 0.02;

    /// <summary>Whether a flow's base is a mixture with full covariances.</summary>
    public static bool IsBaseOf(FlowSpec spec) => spec.Base is GaussianMixtureSpec { Covariance: MixtureCovariance.Full };

    /// <summary>Fits a flow's base to latents, flat rows, where it is a mixture with full covariances.</summary>
    /// <param name="flow">The flow.</param>
    /// <param name="latents">What training rows become by its bijections.</param>
    /// <param name="prior">The rows that are added to each component, of the covariance that they have in common; null for as many as there are features.</param>
    /// <param name="seed">Where the fit begins.</param>
    public static void FitBase(Flow flow, Tensor latents, double? prior, ulong seed)
    {
        if (!IsBaseOf(flow.Spec))
            return;
        using Tensor rows = latents.flatten(1).narrow(0, 0, Math.Min(latents.shape[0], MixtureSearch.MostRows)).to(float64).contiguous();
        var table = new Table(rows.data<double>().ToArray(), flow.Spec.Width);
        int components = ((GaussianMixtureSpec)flow.Spec.Base).Components;
        Install(flow, Fit(table, components, prior ?? flow.Spec.Width, seed, Covariances.Shrinkage(table)));
    }

    /// <summary>
    /// A mixture of so many components, the last of several a broad one; of few rows with covariances that are drawn towards the columns' own
    /// variances.
    /// </summary>
    internal static MixtureFit Fit(Table rows, int components, double prior, ulong seed, double shrinkage) =>
        MixtureFit.Of(rows, components, prior, seed, components > 1 ? Broad : 0, shrinkage);

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
