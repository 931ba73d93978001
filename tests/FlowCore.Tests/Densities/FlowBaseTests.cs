using FlowCore.Bijections;
using FlowCore.Bijections.Elements;
using FlowCore.Checkpoints;
using FlowCore.Conditioners;
using FlowCore.Densities;
using FlowCore.Engines;
using FlowCore.Tests.Laws;
using TorchSharp;

namespace FlowCore.Tests.Densities;

/// <summary>A flow as a base density: one of a mixture for each feature, given those before it and the context (the MADE MoG).</summary>
public sealed class FlowBaseTests
{
    private const int Rows = 20, Width = 3;

    private static readonly FlowSpec Spec = new()
    {
        Name = "mixtures",
        EventShape = [Width],
        Context = new() { Size = 2 },
        Bijections = [new ScaleShiftSpec()],
        Base = new FlowBaseSpec
        {
            Bijections =
            [
                new LinearSpec(),
                new AutoregressiveSpec { Element = new MixtureElementSpec { Components = 3 }, Conditioner = new MadeSpec { Hidden = [10] } },
            ],
        },
    };

    [Fact]
    public void Both_engines_score_and_draw_alike_and_what_is_drawn_is_scored_as_drawn()
    {
        Checkpoint checkpoint = Filled(Spec);
        using FlowEngine<double> compiled = Engine.Open<double>(checkpoint, EngineKind.Compiled), byTorch = Engine.Open<double>(checkpoint, EngineKind.Torch);
        double[] noise = new double[Rows * Width], context = new double[Rows * 2], temperature = [.. Enumerable.Range(0, Rows).Select(row => row % 2 == 0 ? 1 : 0.4 + row * 0.05)];
        Noise.FillNormal(5, 0, Width, noise.AsSpan());
        Noise.FillNormal(6, 0, 2, context.AsSpan());

        (double[] Z, double[] Drawn, double[] Scored) Compute(FlowEngine<double> engine)
        {
            double[] z = new double[noise.Length], x = new double[noise.Length], drawn = new double[Rows], scored = new double[Rows], again = new double[Rows], logDet = new double[Rows];
            engine.Latents(noise, context, temperature, z, drawn);
            engine.Inverse(z, context, x, logDet, scored);
            engine.Forward(x, context, new double[z.Length], new double[Rows], again);
            Assert.All(scored.Zip(again), pair => Assert.Equal(pair.First, pair.Second, 1e-9));
            return (z, drawn, [.. scored.Zip(logDet, (p, det) => p + det)]);
        }

        var (z, drawn, scored) = Compute(compiled);
        var (expectedZ, expectedDrawn, expectedScored) = Compute(byTorch);
        Assert.All(z.Zip(expectedZ), pair => Assert.Equal(pair.Second, pair.First, 1e-9));
        Assert.All(drawn.Zip(expectedDrawn), pair => Assert.Equal(pair.Second, pair.First, 1e-9));
        Assert.All(scored.Zip(expectedScored), pair => Assert.Equal(pair.Second, pair.First, 1e-9));
        Assert.All(Enumerable.Range(0, Rows).Where(row => temperature[row] == 1), row => Assert.Equal(scored[row], drawn[row], 1e-9));
        Assert.Contains(Enumerable.Range(0, Rows), row => Math.Abs(scored[row] - drawn[row]) > 0.1); // at other temperatures
    }

    /// <summary>Where the distribution function is 0 or 1 in every digit, the density is still the mixture's.</summary>
    [Theory]
    [InlineData(EngineKind.Compiled)]
    [InlineData(EngineKind.Torch)]
    public void Far_out_the_density_is_the_mixtures(EngineKind kind)
    {
        var mixture = new ElementwiseSpec { Element = new MixtureElementSpec { Components = 2, Least = 0.5 } };
        Checkpoint checkpoint = Filled(new FlowSpec { Name = "far", EventShape = [1], Bijections = [], Base = new FlowBaseSpec { Bijections = [mixture] } });
        double[] raw = checkpoint.Weights["base_density.bijections.0.constants"].ToDoubles();
        double[] x = [0, 3, -30, 200, -1000], actual = new double[x.Length];
        using (FlowEngine<double> engine = Engine.Open<double>(checkpoint, kind))
            engine.Forward(x, [], new double[x.Length], new double[x.Length], actual);
        double all = Math.Log(Math.Exp(raw[0]) + Math.Exp(raw[1]));
        for (int i = 0; i < x.Length; i++)
        {
            double[] each = [.. Enumerable.Range(0, 2).Select(k =>
            {
                double deviation = Math.Log(1 + Math.Exp(raw[4 + k])) + 0.5, u = (x[i] - raw[2 + k]) / deviation;
                return raw[k] - all - 0.5 * u * u - Math.Log(deviation) - 0.5 * Math.Log(2 * Math.PI);
            })];
            double expected = each.Max() + Math.Log(each.Sum(value => Math.Exp(value - each.Max())));
            Assert.Equal(expected, actual[i], 1e-9 * (1 + Math.Abs(expected)));
        }
    }

    [Fact]
    public void Its_parts_are_refused_by_their_fields() => Assert.Equal(
        "base.bijections[0].element.components: must lie in 1..1024, is 0",
        Assert.Throws<SpecException>(() => FlowSpecChecks.Check(Spec with
        {
            Base = new FlowBaseSpec { Bijections = [new ElementwiseSpec { Element = new MixtureElementSpec { Components = 0 } }] },
        })).Message);

    private static Checkpoint Filled(FlowSpec spec)
    {
        using Flow flow = FlowBuilder.Build(spec);
        flow.to(torch.float64);
        RandomWeights.Fill(flow, seed: 3, scale: 0.7);
        return Checkpoint.Of(flow);
    }
}
