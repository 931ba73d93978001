using FlowCore.Checkpoints;
using FlowCore.Densities;
using FlowCore.Engines;
using FlowCore.Tests.Laws;
using TorchSharp;

namespace FlowCore.Tests.Densities;

/// <summary>A mixture is the same by both engines, scored and drawn, whatever does not fill a vector of components.</summary>
public sealed class GaussianMixtureTests
{
    private const int Rows = 50, Width = 5;

    [Theory]
    [InlineData(1, MixtureCovariance.Diagonal)]
    [InlineData(11, MixtureCovariance.Diagonal)]
    [InlineData(1, MixtureCovariance.Full)]
    [InlineData(16, MixtureCovariance.Full)]
    public void Both_engines_agree(int components, MixtureCovariance covariance)
    {
        var spec = new FlowSpec { Name = "mixture", EventShape = [Width], Bijections = [], Base = new GaussianMixtureSpec { Components = components, Covariance = covariance } };
        using Flow flow = FlowBuilder.Build(spec);
        flow.to(torch.float64);
        RandomWeights.Fill(flow, seed: 3, scale: 0.7);
        Checkpoint checkpoint = Checkpoint.Of(flow);
        using FlowEngine<double> compiled = Engine.Open<double>(checkpoint, EngineKind.Compiled), byTorch = Engine.Open<double>(checkpoint, EngineKind.Torch);
        double[] noise = new double[Rows * (Width + 1)], temperature = new double[Rows];
        Noise.FillNormal(5, 0, Width + 1, noise.AsSpan());
        for (int row = 0; row < Rows; row++)
            temperature[row] = row % 3 == 0 ? 1 : 0.5 + row * 0.02;

        (double[] z, double[] drawn, double[] scored) Compute(FlowEngine<double> engine)
        {
            double[] z = new double[Rows * Width], drawn = new double[Rows], scored = new double[Rows];
            engine.Latents(noise, [], temperature, z, drawn);
            engine.Forward(z, [], new double[z.Length], new double[Rows], scored);
            return (z, drawn, scored);
        }

        var (z, drawn, scored) = Compute(compiled);
        var (expectedZ, expectedDrawn, expectedScored) = Compute(byTorch);
        Assert.All(z.Zip(expectedZ), pair => Assert.Equal(pair.Second, pair.First, 1e-9));
        Assert.All(drawn.Zip(expectedDrawn), pair => Assert.Equal(pair.Second, pair.First, 1e-9));
        Assert.All(scored.Zip(expectedScored), pair => Assert.Equal(pair.Second, pair.First, 1e-9));
        Assert.Equal(scored[0], drawn[0], 1e-9); // drawn at temperature 1
    }

    [Fact]
    public void Rows_beyond_all_numbers_have_no_density()
    {
        var spec = new FlowSpec { Name = "mixture", EventShape = [2], Bijections = [], Base = new GaussianMixtureSpec { Components = 3 } };
        using Flow flow = FlowBuilder.Build(spec);
        using FlowEngine<double> engine = Engine.Open<double>(Checkpoint.Of(flow), EngineKind.Compiled);
        var logProb = new double[3];
        engine.Forward([1e200, 0, double.NaN, 0, 1e100, 0], [], new double[6], new double[3], logProb);
        Assert.Equal(double.NegativeInfinity, logProb[0]);
        Assert.True(double.IsNaN(logProb[1]));
        Assert.True(logProb[2] is < -1e199 and > double.NegativeInfinity);
    }
}
