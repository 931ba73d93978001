using System.Diagnostics.CodeAnalysis;
using FlowCore.Engines;
using FlowCore.Engines.Compiled;

namespace FlowCore.Tests.Golden;

/// <summary>Every golden model, imported, gives the numbers of the library it was trained in.</summary>
public sealed class GoldenTests
{
    public static IEnumerable<TheoryDataRow<string>> Names => GoldenModel.Names.Select(name => new TheoryDataRow<string>(name));

    [Theory, MemberData(nameof(Names))]
    public void Float64_equals_the_library(string name)
    {
        GoldenModel model = GoldenModel.Read(name);
        using var engine = new TorchEngine<double>(model.Checkpoint.BuildFlow());
        GoldenRun run = new(model, engine);
        foreach (GoldenCheck check in run.Checks())
            Assert.True(check.Error <= check.Mark, $"{name}: {check.What} is off by {check.Error:g3}, the mark is {check.Mark:g1}");
        Assert.True(run.Count >= 4, $"{name}: only {run.Count} quantities were compared");
    }

    [Theory, MemberData(nameof(Names))]
    public void The_compiled_engine_equals_the_library(string name)
    {
        GoldenModel model = GoldenModel.Read(name);
        if (!TryCompile(model, out CompiledEngine<double>? engine))
            return;
        using (engine)
        {
            GoldenRun run = new(model, engine);
            foreach (GoldenCheck check in run.Checks())
                Assert.True(check.Error <= check.Mark, $"{name}: {check.What} is off by {check.Error:g3}, the mark is {check.Mark:g1}");
            Assert.True(run.Count >= 4, $"{name}: only {run.Count} quantities were compared");
        }
    }

    [Fact]
    public void Only_the_numerical_elements_are_left_to_the_other_engine() => Assert.Equal(
        ["zuko/extra_bpf_cond_3d", "zuko/extra_gf_4d", "zuko/extra_sospf_3d"],
        GoldenModel.Names.Where(name => !TryCompile(GoldenModel.Read(name), out _)));

    private static bool TryCompile(GoldenModel model, [NotNullWhen(true)] out CompiledEngine<double>? engine)
    {
        try
        {
            engine = new CompiledEngine<double>(model.Checkpoint);
            return true;
        }
        catch (NotCompiledException)
        {
            engine = null;
            return false;
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Float32_log_densities_stay_within_a_thousandth_of_a_nat(string name)
    {
        GoldenModel model = GoldenModel.Read(name);
        using var engine = new TorchEngine<float>(model.Checkpoint.BuildFlow());
        double error = GoldenRun.Float32Error(model, engine);
        Assert.True(error <= 1e-3, $"{name}: log_prob is off by {error:g3} nats");
    }
}
