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

    [Fact]
    public void Only_numerical_elements_are_compiled_for_the_CPU_alone() => Assert.Equal(
        [
            "autoregressive, Bernstein: Bernstein has no form for GPUs",
            "autoregressive, Gaussianization: Gaussianization has no form for GPUs",
            "autoregressive, integrals: Integral has no form for GPUs",
            "autoregressive, mixture: Mixture has no form for GPUs",
            "autoregressive, monotonic networks, 2 passes: MonotonicNetwork has no form for GPUs",
            "autoregressive, monotonic networks: MonotonicNetwork has no form for GPUs",
            "autoregressive, sum of squares: SumOfSquares has no form for GPUs",
            "coupling, one integral, on the kept half too: Integral has no form for GPUs",
            "elementwise, Bernstein: Bernstein has no form for GPUs",
            "elementwise, Gaussianization: Gaussianization has no form for GPUs",
            "elementwise, integrals: Integral has no form for GPUs",
            "elementwise, mixture: Mixture has no form for GPUs",
            "elementwise, monotonic networks: MonotonicNetwork has no form for GPUs",
            "elementwise, one monotonic network: MonotonicNetwork has no form for GPUs",
            "elementwise, sum of squares: SumOfSquares has no form for GPUs",
        ],
        Kinds.Rows.Select(row => row.Data).Select(kind => (kind.Name, Why: WhyNot(kind))).Where(each => each.Why is not null)
            .Select(each => $"{each.Name}: {each.Why}").Order(StringComparer.Ordinal));

    [Fact]
    public void A_spline_of_very_many_bins_is_refused()
    {
        var spec = new Bijections.ElementwiseSpec { Element = new Bijections.Elements.SplineElementSpec { Bins = 65 } };
        Assert.Equal("an element that keeps 130 values beside (more than 128) has no form for GPUs", WhyNot(new Kind("wide", _ => spec)));
    }

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

    private static string? WhyNot(Kind kind)
    {
        using Flow flow = new Instance(kind, kind.Image?.Aggregate((a, b) => a * b) ?? kind.Least, 1, 1, 1).Build();
        flow.to(float32);
        try
        {
            CompiledFlow compiled = CompiledFlow.Of(FlowCore.Checkpoints.Checkpoint.Of(flow));
            try
            {
                GpuProgram.Of(compiled, 1 << 17, new KernelText(isSingle: true));
            }
            catch (NotCompiledException e)
            {
                return e.Message;
            }
        }
        catch (NotCompiledException)
        {
            // On no compiled engine.
        }
        return null;
    }
}
