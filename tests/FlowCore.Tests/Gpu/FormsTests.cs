using FlowCore.Engines.Compiled;
using FlowCore.Engines.Gpu;
using FlowCore.Tests.Engines;
using FlowCore.Tests.Golden;
using FlowCore.Tests.Laws;
using TorchSharp;
using static TorchSharp.torch;

namespace FlowCore.Tests.Gpu;

/// <summary>What has a form for GPUs, and that it gives the libraries' numbers.</summary>
public sealed class FormsTests
{
    public static IEnumerable<TheoryDataRow<string>> Golden => GoldenModel.Names.Where(GpuFlows.Has).Select(name => new TheoryDataRow<string>(name));

    [Theory, MemberData(nameof(Golden))]
    public void A_kernel_equals_the_library(string name)
    {
        using GpuEngine<double> engine = GpuFlows.Open<double>(name);
        GoldenRun run = new(GoldenModel.Read(name), engine);
        foreach (GoldenCheck check in run.Checks())
            Assert.True(check.Error <= check.Mark, $"{name}: {check.What} is off by {check.Error:g3}, the mark is {check.Mark:g1}");
        Assert.True(run.Count >= 4, $"{name}: only {run.Count} quantities were compared");
    }

    // What the CPU's engine leaves to TorchSharp, and nothing else.
    [Fact]
    public void Only_what_has_no_form_for_the_CPU_has_none_for_GPUs() => Assert.Equal(
        [],
        Kinds.Rows.Select(row => row.Data).Select(kind => (kind.Name, Cpu: WhyNot(kind, onGpu: false), Gpu: WhyNot(kind, onGpu: true)))
            .Where(each => each.Cpu != each.Gpu).Select(each => $"{each.Name}: {each.Gpu}"));

    [Fact]
    public void Only_planar_layers_and_what_normflows_does_to_angles_have_no_form() => Assert.Equal(
        [
            "coupling, periodic features: bijections[0].PeriodicFeatures is not compiled",
            "planar, image: bijections[0].Planar is not compiled",
            "planar: bijections[0].Planar is not compiled",
            "wrap, shifted: bijections[0].Wrap is not compiled",
            "wrap: bijections[0].Wrap is not compiled",
        ],
        Kinds.Rows.Select(row => row.Data).Select(kind => (kind.Name, Why: WhyNot(kind, onGpu: true))).Where(each => each.Why is not null)
            .Select(each => $"{each.Name}: {each.Why}").Order(StringComparer.Ordinal));

    [Fact]
    public void Flows_whose_rows_no_block_holds_compute_in_the_devices_memory()
    {
        const string name = "normflows/realnvp_masked";
        var program = GpuProgram.Of(CompiledFlow.Of(CompiledModels.Checkpoint(name)), 1000, new KernelText(isSingle: true));
        Assert.All(program.Kernels, kernel => Assert.False(kernel.IsShared));
        using var engine = new GpuEngine<float>(CompiledModels.Checkpoint(name).Spec, StandIn.Shared.Options, 0, _ => program);
        using var cpu = new CompiledEngine<float>(CompiledModels.Checkpoint(name));
        var (x, _, _) = CompiledModels.Rows(cpu, 200);
        float[] expected = new float[200], actual = new float[200];
        cpu.Forward(x, [], new float[x.Length], new float[200], expected);
        engine.Forward(x, [], new float[x.Length], new float[200], actual);
        Assert.Equal(expected, actual);
    }

    private static string? WhyNot(Kind kind, bool onGpu)
    {
        using Flow flow = new Instance(kind, kind.Image?.Aggregate((a, b) => a * b) ?? kind.Least, 1, 1, 1).Build();
        flow.to(float32);
        try
        {
            CompiledFlow compiled = CompiledFlow.Of(FlowCore.Checkpoints.Checkpoint.Of(flow));
            if (onGpu)
                GpuProgram.Of(compiled, 1 << 17, new KernelText(isSingle: true));
            return null;
        }
        catch (NotCompiledException e)
        {
            return e.Message;
        }
    }
}
