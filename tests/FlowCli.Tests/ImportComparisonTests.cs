using System.Runtime.InteropServices;
using FlowCore.Checkpoints;

namespace FlowCli.Tests;

/// <summary>An import is compared with what the library computed itself, and a wrong number is refused.</summary>
public sealed class ImportComparisonTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("flow-comparison-");

    [Theory]
    [InlineData("log_prob", 1e-7)]
    [InlineData("log_det_inverse", 1e-7)]
    [InlineData("z", 1e-7)]
    [InlineData("x_out", 1e-7)]
    [InlineData("x_out", double.NaN)]
    public void A_number_that_differs_is_refused_and_named(string key, double by)
    {
        Outcome outcome = Imported("normflows/maf", cases => cases[key] = Changed(cases[key], by));
        Assert.Equal(1, outcome.Code);
        Assert.Contains($"does not compute what the model computed: {key} differs by", outcome.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Out));
    }

    [Fact]
    public void The_first_layer_that_differs_is_named()
    {
        Outcome outcome = Imported("normflows/affine_mix", cases => { }, weights =>
            weights["flows.3.t"] = Changed(weights["flows.3.t"], 1e-3), traced: true);
        Assert.Equal(1, outcome.Code);
        Assert.Contains("the first that differs is the layer flows.3 ActNorm", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_base_density_that_differs_is_named()
    {
        Outcome outcome = Imported("normflows/affine_mix", cases => cases["log_prob"] = Changed(cases["log_prob"], 0.01), traced: true);
        Assert.Contains("the base density, since every layer agrees", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_constant_that_the_library_keeps_in_float32_has_a_stated_tolerance()
    {
        void Shifted(Dictionary<string, WeightTensor> cases, double tolerance)
        {
            for (int i = 0; i < cases["log_prob"].Shape[0]; i++)
                cases["log_prob"] = Changed(cases["log_prob"], 2e-7, i);
            cases["log_prob_tolerance"] = Doubles([tolerance], 1);
        }
        Assert.Equal(0, Imported("nflows/sbi_maf_cond", cases => Shifted(cases, 2.001e-7)).Code);
        Directory.Delete(Out, recursive: true);
        Assert.Equal(1, Imported("nflows/sbi_maf_cond", cases => Shifted(cases, 1e-7)).Code);
    }

    [Fact]
    public void An_export_without_results_of_the_library_is_imported_with_a_warning()
    {
        Outcome outcome = Imported("normflows/maf", cases => cases.Clear());
        Assert.Equal(0, outcome.Code);
        Assert.StartsWith("warning: ", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("nothing tells whether the numbers are the same", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("compared with nothing", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("Nothing was compared", File.ReadAllText(Path.Combine(Out, "README.md")), StringComparison.Ordinal);
    }

    [Fact]
    public void Cases_of_another_width_are_refused_with_a_sentence()
    {
        Outcome outcome = Imported("normflows/maf", cases => cases["x"] = Doubles(new double[80 * 5], 80, 5));
        Assert.Equal(1, outcome.Code);
        Assert.Contains("'x' has 400 values in 80 rows, the flow takes 6 a row", outcome.Error, StringComparison.Ordinal);
    }

    private string Out => Path.Combine(folder.FullName, "imported", "1");

    private Outcome Imported(
        string model, Action<Dictionary<string, WeightTensor>> change, Action<Dictionary<string, WeightTensor>>? weights = null, bool traced = false)
    {
        string golden = Path.Combine(AppContext.BaseDirectory, "golden", model), source = Path.Combine(folder.FullName, "source");
        Dictionary<string, WeightTensor> state = Read(golden, "weights.safetensors"), cases = Read(golden, "cases.safetensors");
        Directory.CreateDirectory(source);
        File.Copy(Path.Combine(golden, "model.json"), Path.Combine(source, "model.json"), overwrite: true);
        if (traced)
            AddTrace(cases, golden);
        change(cases);
        weights?.Invoke(state);
        File.WriteAllBytes(Path.Combine(source, "weights.safetensors"), Safetensors.Write(state));
        File.WriteAllBytes(Path.Combine(source, "cases.safetensors"), Safetensors.Write(cases));
        return Cli.Run("import", source, "--out", Out);
    }

    /// <summary>The rows behind each layer as an export lists them, from data to latents, computed by the golden model's own layers.</summary>
    private static void AddTrace(Dictionary<string, WeightTensor> cases, string golden)
    {
        var flow = FlowCore.Interop.ForeignModel.Read(File.ReadAllBytes(Path.Combine(golden, "model.json")), Read(golden, "weights.safetensors"), "golden");
        double[] x = cases["x"].ToDoubles();
        int rows = (int)cases["x"].Shape[0], width = x.Length / rows, step = 0;
        foreach (string origin in flow.Origins.Distinct())
        {
            using var engine = new FlowCore.Engines.TorchEngine<double>(flow.Layer(origin)!.BuildFlow());
            double[] z = new double[x.Length], logDet = new double[rows];
            engine.Forward(x, [], z, logDet, new double[rows]);
            string key = $"trace/{step++:0000}/{origin} {(origin == "flows.3" ? "ActNorm" : "Other")}";
            cases[key] = Doubles(z, rows, width);
            cases[$"{key}/log_det"] = Doubles(logDet, rows);
            x = z;
        }
    }

    private static Dictionary<string, WeightTensor> Read(string folder, string file) =>
        Safetensors.Read(File.ReadAllBytes(Path.Combine(folder, file)), file);

    private static WeightTensor Changed(WeightTensor tensor, double by, int at = 0)
    {
        double[] values = tensor.ToDoubles();
        values[at] += by;
        return Doubles(values, tensor.Shape);
    }

    private static WeightTensor Doubles(double[] values, params long[] shape) =>
        new(WeightType.F64, shape, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

    public void Dispose() => folder.Delete(recursive: true);
}
