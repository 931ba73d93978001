using System.Numerics;
using FlowCore.Bijections;
using FlowCore.Bijections.Elements;
using FlowCore.Conditioners;
using FlowCore.Checkpoints;
using FlowCore.Densities;
using FlowCore.Engines;
using FlowCore.Engines.Compiled;
using TorchSharp;
using static TorchSharp.torch;

namespace FlowCore.Tests.Laws;

/// <summary>A density integrates to one, in the data's own units.</summary>
public sealed class DensityLaws
{
    private static readonly ConditionerSpec Mlp = new MlpSpec { Hidden = [8], Activation = Activation.Tanh };

    public static TheoryData<string, FlowSpec, double, double> Models => new()
    {
        { "affine 1-D, diagonal base", Spec(1, new DiagonalNormalSpec(), new StandardizeSpec(), new ActNormSpec(), new LinearSpec()), -60, 60 },
        { "logit 1-D", Spec(1, new StandardNormalSpec(), new LogitSpec { Alpha = 0, Lower = -2, Upper = 3 }, new LinearSpec()), -2, 3 },
        { "RealNVP 2-D", Spec(2, new StandardNormalSpec(), new StandardizeSpec(), Affine(CouplingMask.FirstHalf), Affine(CouplingMask.SecondHalf), new LinearSpec()), -60, 60 },
        { "sigmoid RealNVP 2-D, diagonal base", Spec(2, new DiagonalNormalSpec(), new StandardizeSpec(),
            Affine(CouplingMask.Odd, ScaleMap.Sigmoid), new PermutationSpec { Order = FeatureOrder.Swap }, Affine(CouplingMask.Odd, ScaleMap.None)), -60, 60 },
        { "NSF 2-D", Spec(2, new StandardNormalSpec(), new StandardizeSpec(), Spline(CouplingMask.FirstHalf), new LinearSpec(), Spline(CouplingMask.FirstHalf)), -60, 60 },
        { "mixture 2-D", Spec(2, new GaussianMixtureSpec { Components = 11 }, new LinearSpec()), -60, 60 },
        { "mixture of full covariances 2-D", Spec(2, new GaussianMixtureSpec { Components = 3, Covariance = MixtureCovariance.Full }, new LinearSpec()), -60, 60 },
        { "mixtures of a masked network 2-D", Spec(2, new FlowBaseSpec
        {
            Bijections = [new AutoregressiveSpec { Element = new MixtureElementSpec { Components = 3, Least = 0.2 }, Conditioner = new MadeSpec { Hidden = [8], Activation = Activation.Tanh } }],
        }, new LinearSpec()), -40, 40 },
        // The grid has lines at the ends of the uniform feature.
        { "angle and value 2-D", Spec(2, new UniformNormalSpec { Uniform = [0] },
            new ElementwiseSpec { Element = new SplineElementSpec { Bins = 3, Bound = 0.5, FeatureTails = [SplineTails.Circular, SplineTails.Linear] } }), -7.5, 7.5 },
        { "spline on a box 2-D", Spec(2, new BoxUniformSpec(), Boxed(CouplingMask.FirstHalf), Boxed(CouplingMask.SecondHalf)), -1, 2 },
    };

    [Theory, MemberData(nameof(Models))]
    public void The_density_integrates_to_one(string name, FlowSpec spec, double from, double to)
    {
        using var mode = inference_mode();
        using var scope = NewDisposeScope();
        using Flow flow = FlowBuilder.Build(spec);
        flow.to(float64);
        RandomWeights.Fill(flow, seed: 11, scale: 0.3);

        int steps = spec.Width == 1 ? 200_000 : 1500;
        double step = (to - from) / steps;
        Tensor axis = linspace(from + step / 2, to - step / 2, steps, float64);
        double total = 0;
        if (spec.Width == 1)
            total = flow.LogProb(axis.unsqueeze(1)).exp().sum().ToDouble() * step;
        else
            for (int i = 0; i < steps; i++)
            {
                using var row = NewDisposeScope();
                Tensor points = stack([full_like(axis, from + (i + 0.5) * step), axis], 1);
                total += flow.LogProb(points).exp().sum().ToDouble() * step * step;
            }
        Assert.True(Math.Abs(total - 1) < 1e-3, $"{name}: the integral is {total:f6}");
    }

    [Fact]
    public void Outside_a_splines_box_the_density_is_zero_and_a_latent_has_no_row()
    {
        using var scope = NewDisposeScope();
        using Flow flow = FlowBuilder.Build(Spec(1, new StandardNormalSpec(), new ElementwiseSpec { Element = new SplineElementSpec { Tails = SplineTails.Box, Lower = 0, Bound = 1 } }));
        Tensor rows = tensor(new[] { -0.01f, 0f, 0.5f, 1f, 1.01f }).unsqueeze(1);
        double[] logProb = flow.LogProb(rows).to(float64).data<double>().ToArray();
        Assert.Equal([false, true, true, true, false], logProb.Select(double.IsFinite));
        Assert.All(new[] { logProb[0], logProb[4] }, value => Assert.Equal(double.NegativeInfinity, value));
        float[] decoded = flow.Decode(rows).Values.data<float>().ToArray();
        Assert.Equal([false, true, true, true, false], decoded.Select(float.IsFinite));
    }

    [Fact]
    public void A_circles_two_ends_are_one_point()
    {
        using var scope = NewDisposeScope();
        using Flow flow = FlowBuilder.Build(Spec(1, new UniformNormalSpec { Uniform = [0] },
            new WrapSpec { Features = [0], Bounds = [0.5] }, new ElementwiseSpec { Element = new SplineElementSpec { Bound = 0.5, Tails = SplineTails.Circular } }));
        flow.to(float64);
        RandomWeights.Fill(flow, 3, scale: 1);
        double[] logProb = flow.LogProb(tensor(new[] { -0.5 + 1e-12, 0.5 - 1e-12, 0.2, 7.2 }).unsqueeze(1)).data<double>().ToArray();
        Assert.Equal(logProb[0], logProb[1], 1e-9);
        Assert.Equal(logProb[2], logProb[3], 1e-9); // whole turns do not count
        Assert.True(Math.Abs(logProb[0] - logProb[2]) > 1e-3);
    }

    [Fact]
    public void Outside_the_logits_interval_the_density_is_zero()
    {
        using var scope = NewDisposeScope();
        using Flow flow = FlowBuilder.Build(Spec(1, new StandardNormalSpec(), new LogitSpec { Alpha = 0.05 }));
        double[] logProb = flow.LogProb(tensor(new[] { -0.06f, -0.05f, 0.5f, 1.06f }).unsqueeze(1)).to(float64).data<double>().ToArray();
        Assert.Equal(double.NegativeInfinity, logProb[0]);
        Assert.True(double.IsFinite(logProb[2]));
        Assert.Equal(double.NegativeInfinity, logProb[3]);
    }

    [Theory]
    [InlineData(0.05, 0, 1)]
    [InlineData(0, 0, 1)]
    [InlineData(0, -2, 3)]
    [InlineData(1e-6, 0, 256)]
    [InlineData(1e-9, -1e5, -1e4)]
    public void What_the_inverse_of_a_logit_gives_has_a_density_however_far_out_its_latent_is(double alpha, double lower, double upper)
    {
        using Flow flow = FlowBuilder.Build(Spec(1, new StandardNormalSpec(), new LogitSpec { Alpha = alpha, Lower = lower, Upper = upper }));
        Checkpoint checkpoint = Checkpoint.Of(flow);
        Holds(new TorchEngine<float>(checkpoint.BuildFlow()));
        Holds(new CompiledEngine<float>(checkpoint));
        Holds(new TorchEngine<double>(checkpoint.BuildFlow()));
        Holds(new CompiledEngine<double>(checkpoint));

        static void Holds<T>(FlowEngine<T> engine)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            using FlowEngine<T> owned = engine;
            T[] z = [.. ((double[])[-1e20, -1000, -100, -40, -17, -9, 0, 9, 17, 40, 100, 1000, 1e20]).Select(T.CreateChecked)];
            T[] x = new T[z.Length], back = new T[z.Length], logDet = new T[z.Length], logProb = new T[z.Length];
            engine.Inverse(z, [], x, logDet, logProb);
            engine.Forward(x, [], back, logDet, logProb);
            Assert.All(logProb, density => Assert.True(T.IsFinite(density), $"{engine.GetType().Name}: {string.Join(' ', x)} have {string.Join(' ', logProb)}"));
            Assert.Equal(back.Order(), back);
        }
    }

    [Fact]
    public void Temperature_scales_the_noise_and_reports_the_density_really_drawn_from()
    {
        using var scope = NewDisposeScope();
        foreach (BaseDensitySpec spec in new BaseDensitySpec[] { new StandardNormalSpec(), new DiagonalNormalSpec(), new UniformNormalSpec { Uniform = [] } })
        {
            using Flow flow = FlowBuilder.Build(Spec(3, spec));
            flow.to(float64);
            RandomWeights.Fill(flow, 5);
            Tensor noise = tensor(new[] { 0.3, -1.2, 2.0 }).unsqueeze(0);
            Drawn cold = flow.Draw(noise, tensor(new[] { 0.5 }));
            Drawn warm = flow.Draw(noise, tensor(new[] { 1.0 }));
            Tensor centre = flow.Draw(zeros_like(noise), tensor(new[] { 1.0 })).Latents;
            Assert.True((cold.Latents - centre).mul(2).allclose(warm.Latents - centre));
            Assert.Equal(warm.LogDensity.ToDouble() + 3 * Math.Log(2), cold.LogDensity.ToDouble(), 12);
            Assert.Equal(flow.BaseLogProb(warm.Latents).ToDouble(), warm.LogDensity.ToDouble(), 12);
        }
    }

    private static CouplingSpec Affine(CouplingMask mask, ScaleMap scale = ScaleMap.Tanh) =>
        new() { Mask = mask, Element = new AffineElementSpec { Scale = scale }, Conditioner = Mlp };

    private static CouplingSpec Spline(CouplingMask mask) =>
        new() { Mask = mask, Element = new SplineElementSpec { Bound = 2.5 }, Conditioner = Mlp };

    private static CouplingSpec Boxed(CouplingMask mask) =>
        new() { Mask = mask, Element = new SplineElementSpec { Tails = SplineTails.Box, Lower = 0, Bound = 1 }, Conditioner = Mlp };

    private static FlowSpec Spec(int features, BaseDensitySpec density, params BijectionSpec[] bijections) =>
        new() { Name = "law", EventShape = [features], Bijections = bijections, Base = density };
}
