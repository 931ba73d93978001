using System.Numerics;
using FlowCore;
using FlowCore.Checkpoints;
using FlowCore.Densities;
using FlowCore.Engines;
using FlowCore.Engines.Compiled;
using FlowCore.Tests.Golden;
using FlowService.Models;
using FlowService.Tests.Support;

namespace FlowService.Tests.Models;

/// <summary>The self-test passes every model that computes its own density, and refuses an engine that computes another one.</summary>
public sealed class SelfTestTests
{
    private const double Tolerance = 0.05;

    private static readonly string Demos = DemoModels.All;

    public static IEnumerable<TheoryDataRow<string>> Names =>
        GoldenModel.Names.Concat(["demo two-moons", "demo digits", "demo breast-cancer"]).Select(name => new TheoryDataRow<string>(name));

    [Theory, MemberData(nameof(Names))]
    public void Every_golden_and_demo_model_passes(string name)
    {
        Checkpoint checkpoint = Read(name);
        using FlowEngine<float> engine = Engine.Open<float>(checkpoint);
        using FlowEngine<double> reference = Engine.Open<double>(checkpoint);
        using FlowEngine<double> independent = Engine.Open<double>(checkpoint, EngineKind.Torch);
        Assert.InRange(SelfTest.Run(engine, reference, Tolerance, independent).MedianLogProbDifference, 0, Tolerance);
    }

    // What no law can tell: a base of more than two values whose latents are not drawn as a mean and a deviation.
    [Theory]
    [InlineData("compiled")]
    [InlineData("torch")]
    public void A_density_that_another_engine_does_not_compute_is_refused(string faulty)
    {
        Checkpoint checkpoint = Mixture();
        FlowEngine<T> Opened<T>(string name)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            FlowEngine<T> opened = Engine.Open<T>(checkpoint, Enum.Parse<EngineKind>(name, ignoreCase: true));
            return name == faulty ? new Faulty<T>(opened, "base") : opened;
        }
        using FlowEngine<float> engine = Opened<float>(faulty);
        using FlowEngine<double> reference = Opened<double>(faulty), independent = Opened<double>(faulty == "torch" ? "compiled" : "torch");

        SelfTest.Run(engine, reference, Tolerance); // by itself it cannot know
        string reason = Assert.Throws<FlowException>(() => SelfTest.Run(engine, reference, Tolerance, independent)).Message;

        Assert.Contains($"the engines {reference.Name} and {independent.Name} differ by", reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("demo two-moons", "log-determinant", "the log-determinant of z(x) is off")]
    [InlineData("demo digits", "log-determinant", "the log-determinant of z(x) is off")]
    [InlineData("demo breast-cancer", "log-determinant", "the log-determinant of z(x) is off")]
    [InlineData("zuko/nsf_5d", "log-determinant", "the log-determinant of z(x) is off")]
    [InlineData("demo two-moons", "base", "the density integrates to 2.718")]
    [InlineData("demo digits", "base", "the base density is off")]
    [InlineData("normflows/conditional_mix", "base", "the base density is off")]
    public void A_density_that_is_not_the_models_is_refused_though_both_precisions_agree_on_it(string name, string fault, string reason)
    {
        Checkpoint checkpoint = Read(name);
        using var engine = new Faulty<float>(new CompiledEngine<float>(checkpoint), fault);
        using var reference = new Faulty<double>(new CompiledEngine<double>(checkpoint), fault);
        Assert.Contains(reason, Assert.Throws<FlowException>(() => SelfTest.Run(engine, reference, Tolerance)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_density_of_two_values_that_does_not_integrate_to_1_is_refused()
    {
        Checkpoint checkpoint = Read("demo two-moons");
        using var engine = new CompiledEngine<float>(checkpoint);
        using var reference = new Faulty<double>(new CompiledEngine<double>(checkpoint), "base");
        ProbeRows probe = ProbeRows.Draw(engine, 256, 1, 2);
        Assert.Contains("the density integrates to 2.71", Assert.Throws<FlowException>(() => new DensityGrid(reference, probe).Check()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Rows_that_fill_no_array_are_too_many_for_memory()
    {
        var spec = new FlowSpec { Name = "wide", EventShape = [1 << 20], Bijections = [] };
        using var engine = new CompiledEngine<float>(new Checkpoint(spec, new Dictionary<string, WeightTensor>()));
        Assert.Throws<InsufficientMemoryException>(() => ProbeRows.Draw(engine, 4096, 1, 2));
        Assert.Equal(512, WarmUp.Run(engine, 4096, new(1)));
    }

    private static Checkpoint Mixture()
    {
        using Flow flow = FlowBuilder.Build(new FlowSpec
        {
            Name = "mixture",
            EventShape = [3],
            Bijections = [],
            Base = new GaussianMixtureSpec { Components = 4 },
        });
        return Checkpoint.Of(flow);
    }

    private static Checkpoint Read(string name) =>
        name.StartsWith("demo ", StringComparison.Ordinal) ? Checkpoint.Read(Path.Combine(Demos, name[5..], "1")) : GoldenModel.Read(name).Checkpoint;

    /// <summary>Half of the log-determinant, or a nat too much of the base density: what a faulty kernel would give in either precision.</summary>
    private sealed class Faulty<T>(FlowEngine<T> inner, string fault) : FlowEngine<T>(inner.Spec)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        public override string Name => inner.Name;

        public override string Device => inner.Device;

        public override int NoiseWidth => inner.NoiseWidth;

        public override void Forward(ReadOnlySpan<T> x, ReadOnlySpan<T> context, Span<T> z, Span<T> logDet, Span<T> logProb)
        {
            inner.Forward(x, context, z, logDet, logProb);
            for (int row = 0; row < logDet.Length; row++)
                if (fault == "base")
                    logProb[row] += T.One;
                else
                    (logProb[row], logDet[row]) = (logProb[row] - logDet[row] / T.CreateChecked(2), logDet[row] / T.CreateChecked(2));
        }

        public override void Inverse(ReadOnlySpan<T> z, ReadOnlySpan<T> context, Span<T> x, Span<T> logDet, Span<T> logProb) => inner.Inverse(z, context, x, logDet, logProb);

        public override void Latents(ReadOnlySpan<T> noise, ReadOnlySpan<T> context, ReadOnlySpan<T> temperature, Span<T> z, Span<T> logBase) =>
            inner.Latents(noise, context, temperature, z, logBase);

        protected override void Dispose(bool disposing)
        {
            inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
