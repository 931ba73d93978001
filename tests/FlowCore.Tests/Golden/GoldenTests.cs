using System.Runtime.InteropServices;
using FlowCore.Checkpoints;
using FlowCore.Engines;
using FlowCore.Engines.Compiled;
using FlowCore.Interop;

namespace FlowCore.Tests.Golden;

/// <summary>Every golden model, imported, gives the numbers of the library it was trained in.</summary>
public sealed class GoldenTests
{
    public static IEnumerable<TheoryDataRow<string>> Names => GoldenModel.Names.Select(name => new TheoryDataRow<string>(name));

    [Theory, MemberData(nameof(Names))]
    public void Float64_equals_the_library(string name)
    {
        GoldenModel model = GoldenModel.Read(name);
        using var engine = new TorchEngine<double>(model.Checkpoint.BuildFlow(), TestDevice.Name);
        GoldenRun run = new(model, engine);
        foreach (GoldenCheck check in run.Checks())
            Assert.True(check.Error <= check.Mark, $"{name}: {check.What} is off by {check.Error:g3}, the mark is {check.Mark:g1}");
        Assert.True(run.Count >= 4, $"{name}: only {run.Count} quantities were compared");
    }

    [Theory, MemberData(nameof(Names))]
    public void The_compiled_engine_equals_the_library(string name)
    {
        GoldenModel model = GoldenModel.Read(name);
        using var engine = new CompiledEngine<double>(model.Checkpoint);
        GoldenRun run = new(model, engine);
        foreach (GoldenCheck check in run.Checks())
            Assert.True(check.Error <= check.Mark, $"{name}: {check.What} is off by {check.Error:g3}, the mark is {check.Mark:g1}");
        Assert.True(run.Count >= 4, $"{name}: only {run.Count} quantities were compared");
    }

    [Theory, MemberData(nameof(Names))]
    public void Float32_log_densities_stay_within_a_thousandth_of_a_nat(string name)
    {
        GoldenModel model = GoldenModel.Read(name);
        using var engine = new TorchEngine<float>(model.Checkpoint.BuildFlow(), TestDevice.Name);
        double error = GoldenRun.Float32Error(model, engine);
        Assert.True(error <= 1e-3, $"{name}: log_prob is off by {error:g3} nats");
    }

    [Theory, MemberData(nameof(Names))]
    public void Compiled_float32_log_densities_stay_within_a_thousandth_of_a_nat(string name)
    {
        GoldenModel model = GoldenModel.Read(name);
        using var engine = new CompiledEngine<float>(model.Checkpoint);
        double error = GoldenRun.Float32Error(model, engine);
        Assert.True(error <= 1e-3, $"{name}: log_prob is off by {error:g3} nats");
    }

    [Theory]
    [InlineData("nflows/nsf_coupling_lu_6d")]
    [InlineData("normflows/conditional_mix")]
    public void A_model_that_was_trained_in_float64_keeps_its_digits(string name)
    {
        string folder = Path.Combine(GoldenModel.Root, name), path = Path.Combine(folder, "weights.safetensors");
        Dictionary<string, WeightTensor> weights = Safetensors.Read(File.ReadAllBytes(path), path);
        foreach (string key in weights.Keys.Where(key => weights[key].Type == WeightType.F32).ToArray())
        {
            // A thousandth of what float32 could hold.
            double[] values = [.. MemoryMarshal.Cast<byte, float>(weights[key].Data.Span).ToArray().Select(value => value * (1 + 1e-10))];
            weights[key] = new(WeightType.F64, weights[key].Shape, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
        }
        byte[] description = File.ReadAllBytes(Path.Combine(folder, "model.json"));
        Checkpoint wide = ForeignModel.Import(description, weights, "wide"), narrow = GoldenModel.Read(name).Checkpoint;
        using var torch = new TorchEngine<double>(wide.BuildFlow());
        using var compiled = new CompiledEngine<double>(wide);
        using var rounded = new TorchEngine<double>(narrow.BuildFlow());
        double[] x = [.. Enumerable.Range(0, 4 * torch.Width).Select(i => Math.Sin(i))], context = [.. Enumerable.Range(0, 4 * torch.ContextWidth).Select(i => Math.Cos(i))];
        double[] Scores(FlowEngine<double> engine)
        {
            var logProb = new double[4];
            engine.Forward(x, context, new double[x.Length], new double[4], logProb);
            return logProb;
        }
        double[] expected = Scores(torch), other = Scores(rounded), same = Scores(compiled);
        for (int row = 0; row < 4; row++)
        {
            Assert.Equal(expected[row], same[row], 1e-12 * (1 + Math.Abs(expected[row])));
            Assert.InRange(Math.Abs(expected[row] - other[row]), 1e-12, 1e-6);
        }
    }
}
