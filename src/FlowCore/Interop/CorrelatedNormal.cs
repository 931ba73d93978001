using FlowCore.Densities;
using FlowCore.Training;

namespace FlowCore.Interop;

/// <summary>A normal with a full covariance, as PyTorch's MultivariateNormal holds one: a mixture of a single component.</summary>
internal static class CorrelatedNormal
{
    /// <param name="mean">The means.</param>
    /// <param name="matrix">Row by row.</param>
    /// <param name="form">What the matrix is: <c>covariance_matrix</c>, <c>precision_matrix</c> or <c>scale_tril</c>.</param>
    public static Part<BaseDensitySpec> Of(double[] mean, double[] matrix, DescribedNode form)
    {
        int width = mean.Length;
        double[] factor = new double[width * width]; // P with covariance (P^T P)^-1
        switch (form.Text)
        {
            case "scale_tril":
                Triangle.Invert(matrix, width, factor);
                break;
            case "covariance_matrix":
                Triangle.Invert(Cholesky(matrix), width, factor);
                break;
            case "precision_matrix":
                // The covariance is M^T M, where M inverts the precision's own factor.
                double[] inverse = new double[width * width], covariance = new double[width * width];
                Triangle.Invert(Cholesky(matrix), width, inverse);
                for (int i = 0; i < width; i++)
                    for (int j = 0; j < width; j++)
                        for (int k = 0; k < width; k++)
                            covariance[i * width + j] += inverse[k * width + i] * inverse[k * width + j];
                Triangle.Invert(Cholesky(covariance), width, factor);
                break;
            case var other:
                throw form.Error($"'{other}' is none of covariance_matrix, precision_matrix and scale_tril");
        }
        double[] logScales = [.. Enumerable.Range(0, width).Select(i => -Math.Log(factor[i * width + i]))];
        return Part.Of<BaseDensitySpec>(new GaussianMixtureSpec { Components = 1, Covariance = MixtureCovariance.Full },
            ("loc", TensorSurgery.Doubles(mean, 1, width)), ("log_scale", TensorSurgery.Doubles(logScales, 1, width)),
            ("precision", TensorSurgery.Doubles(factor, 1, width, width)), ("weight_scores", TensorSurgery.Doubles([0], 1)));

        double[] Cholesky(double[] symmetric) => Triangle.Cholesky(symmetric, width, ridge: 0) ?? throw form.Error("the matrix is not positive definite");
    }
}
