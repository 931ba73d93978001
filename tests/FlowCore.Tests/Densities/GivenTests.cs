using FlowCore.Engines;
using FlowCore.Engines.Compiled;
using FlowCore.Tests.Engines;

namespace FlowCore.Tests.Densities;

/// <summary>Latents that the context gives have no density but at their place, on both engines.</summary>
public sealed class GivenTests
{
    [Fact]
    public void Latents_are_the_context_and_elsewhere_there_is_no_density()
    {
        using var compiled = new CompiledEngine<double>(EnlargingFlow.Checkpoint());
        using var torch = new TorchEngine<double>(EnlargingFlow.Checkpoint().BuildFlow());
        double[] context = EnlargingFlow.Small<double>(1), noise = new double[64], z = new double[64], logBase = new double[1];
        foreach (FlowEngine<double> engine in (FlowEngine<double>[])[compiled, torch])
        {
            engine.DrawNoise(9, 0, noise);
            engine.Latents(noise, context, [0.5], z, logBase);
            Assert.Equal(context.Select(value => 4 * value), z[..4]); // half of the sum of four, twice
            Assert.Equal(noise[4..].Select(value => 0.5 * value), z[4..]);
            double[] x = new double[64], logDet = new double[1], logProb = new double[1];
            engine.Inverse(z, context, x, logDet, logProb);
            Assert.True(double.IsFinite(logProb[0]));
            foreach (double other in (double[])[double.NaN, context[2] + 0.2])
            {
                double[] elsewhere = [.. context];
                elsewhere[2] = other;
                engine.Forward(x, elsewhere, [], logDet, logProb);
                Assert.False(logProb[0] > double.NegativeInfinity);
            }
        }
    }
}
