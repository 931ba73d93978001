using System.Text.Json;
using FlowCore.Checkpoints;
using FlowCore.Engines;
using FlowCore.Interop;

namespace FlowCore.Tests.Densities;

/// <summary>A normal with a full covariance comes in three forms, which are one density.</summary>
public sealed class CorrelatedNormalTests
{
    // L = [2 0; 1 0.5], L L^T = [4 2; 2 1.25], its inverse [1.25 -2; -2 4].
    [Theory]
    [InlineData("scale_tril", 2.0, 0.0, 1.0, 0.5)]
    [InlineData("covariance_matrix", 4.0, 2.0, 2.0, 1.25)]
    [InlineData("precision_matrix", 1.25, -2.0, -2.0, 4.0)]
    public void All_forms_are_the_same_density(string form, double a, double b, double c, double d)
    {
        Part<BaseDensitySpec> part = CorrelatedNormal.Of([1, -2], [a, b, c, d], Text(form));
        var checkpoint = new Checkpoint(
            new FlowSpec { Name = "m", EventShape = [2], Bijections = [], Base = part.Spec },
            part.Weights.ToDictionary(weight => $"base_density.{weight.Key}", weight => weight.Value));
        double[] rows = [3, 0, 1, -2], logProb = new double[2];
        foreach (EngineKind kind in (EngineKind[])[EngineKind.Compiled, EngineKind.Torch])
        {
            using FlowEngine<double> engine = Engine.Open<double>(checkpoint, kind);
            engine.Forward(rows, [], new double[4], new double[2], logProb);
            // At (2, 2) from the mean, L^-1 gives (1, 2); |L| = 1.
            Assert.Equal(-Math.Log(2 * Math.PI) - 2.5, logProb[0], 1e-12);
            Assert.Equal(-Math.Log(2 * Math.PI), logProb[1], 1e-12);
        }
    }

    [Fact]
    public void A_matrix_that_is_no_covariance_is_refused() =>
        Assert.Contains("not positive definite", Assert.Throws<ImportException>(() => CorrelatedNormal.Of([0, 0], [1, 2, 2, 1], Text("covariance_matrix"))).Message, StringComparison.Ordinal);

    private static DescribedNode Text(string value) => new(JsonSerializer.SerializeToElement(value), "matrix");
}
