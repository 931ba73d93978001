using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FlowCli.Import;
using FlowCore.Checkpoints;
using FlowCore.Interop;

namespace FlowCli.Tests;

public sealed class ImportTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("flow-import-");

    private static string Golden(string name) => Path.Combine(AppContext.BaseDirectory, "golden", name);

    private string Out => Path.Combine(folder.FullName, "imported", "1");

    [Theory]
    [InlineData("normflows/realnvp_2d", "weights.pt")]
    [InlineData("normflows/nsf_coupling", "weights.pt")]
    [InlineData("normflows/maf", "weights_legacy.pt")]
    [InlineData("normflows/glow_digits", "weights.pt")]
    [InlineData("image_repos/chrischute_glow", "best.pth.tar")]
    [InlineData("image_repos/rosinality_glow", "model_000250.pt")]
    public void PyTorch_files_give_the_tensors_of_the_safetensors_file(string model, string file)
    {
        Dictionary<string, WeightTensor> expected = StateDict.Read(Path.Combine(Golden(model), "weights.safetensors"));
        Dictionary<string, WeightTensor> actual = StateDict.Read(Path.Combine(Golden(model), file));
        Assert.Equal(expected.Keys.Order(StringComparer.Ordinal), actual.Keys.Order(StringComparer.Ordinal));
        foreach (var (key, tensor) in expected)
        {
            Assert.Equal(tensor.Describe(), actual[key].Describe());
            Assert.True(tensor.Data.Span.SequenceEqual(actual[key].Data.Span), key);
        }
    }

    [Fact]
    public void Views_strides_and_all_types_are_read_as_PyTorch_shows_them()
    {
        Dictionary<string, WeightTensor> tensors = TorchFile.Read(Golden("normflows/pickle_torture.pt"));
        JsonObject expected = JsonNode.Parse(File.ReadAllText(Golden("normflows/pickle_torture.json")))!.AsObject();
        Assert.Equal(
            expected.Select(item => item.Key).Order(StringComparer.Ordinal),
            tensors.Keys.Select(key => key == "empty" ? "empty_shape" : key).Order(StringComparer.Ordinal));
        Assert.Equal([0L, 3L], tensors["empty"].Shape);
        foreach (var (key, value) in expected)
            if (key != "empty_shape")
                Assert.Equal(Flat(value!), Values(tensors[key]));
    }

    [Theory]
    [InlineData("cos\nsystem\n(S'true'\ntR.", "'os.system'")]
    [InlineData("c__builtin__\neval\n(S'1'\ntR.", "'__builtin__.eval'")]
    [InlineData("\u0080\u0004\u008c\u0008builtins\u008c\u0004exec\u0093.", "'builtins.exec'")]
    [InlineData("(dp0\nS'model'\np1\nctorch.nn.modules.linear\nLinear\n", "'torch.nn.modules.linear.Linear'")]
    public void Any_global_that_is_no_tensor_is_refused_by_name(string pickle, string name)
    {
        var reader = new PickleReader(Encoding.Latin1.GetBytes(pickle), 0, _ => throw new InvalidOperationException());
        Assert.Contains(name, Assert.Throws<ImportException>(reader.Read).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_PyTorch_file_is_refused_wherever_it_breaks()
    {
        byte[] legacy = File.ReadAllBytes(Golden("normflows/maf/weights_legacy.pt"));
        string path = Path.Combine(folder.FullName, "cut.pt");
        for (int length = 0; length < legacy.Length; length += Math.Max(1, legacy.Length / 40))
        {
            File.WriteAllBytes(path, legacy[..length]);
            Assert.ThrowsAny<FlowCore.FlowException>(() => TorchFile.Read(path));
        }
    }

    [Fact]
    public void An_imported_model_is_written_with_its_provenance_and_its_figures()
    {
        (int code, string output, string error) = Cli.Run("import", Golden("zuko/nsf_5d"), "--out", Out);
        Assert.Equal((0, ""), (code, error));
        Assert.Contains("compared with 96 rows", output, StringComparison.Ordinal);
        Assert.Contains("round trip", output, StringComparison.Ordinal);
        Checkpoint checkpoint = Checkpoint.Read(Out);
        Assert.Equal("imported", checkpoint.Spec.Name);
        Assert.Equal(("zuko", "1.6.0"), (checkpoint.Spec.Provenance!.Source, checkpoint.Spec.Provenance.Version));
        Assert.Equal(64, checkpoint.Spec.Provenance.DataSha256!.Length);
        string card = File.ReadAllText(Path.Combine(Out, "README.md"));
        Assert.Contains("imported from zuko", card, StringComparison.Ordinal);
        Assert.Contains("| log_prob | ", card, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_golden_model_is_imported()
    {
        string[] models = [.. Directory.GetFiles(Golden(""), "model.json", SearchOption.AllDirectories).Select(path => Path.GetDirectoryName(path)!)];
        Assert.Equal(36, models.Length);
        foreach (string model in models)
        {
            Outcome outcome = Cli.Run("import", model, "--out", Path.Combine(folder.FullName, Path.GetFileName(model), "1"));
            Assert.True(outcome.Code == 0, $"{model}: {outcome.Error}");
        }
    }

    [Theory]
    [InlineData("zuko/nsf_5d", "\"slope\": 0.001", "\"slop\": 0.001", "slope: is not stated")]
    [InlineData("zuko/nsf_5d", "\"ReLU\"", "\"Swish\"", "'Swish'")]
    [InlineData("zuko/nsf_5d", "\"bins\": 8", "\"bins\": 9", "emits 115 values, the bijection needs 130")]
    [InlineData("nflows/nsf_coupling_lu_6d", "\"linear\"", "\"quadratic\"", "tails: 'quadratic'")]
    [InlineData("nflows/nsf_coupling_lu_6d", "\"linear\"", "null", "the bijection needs")]
    [InlineData("normflows/nsf_ar", "\"num_bins\": 8", "\"num_bins\": 9", "the bijection needs 130")]
    [InlineData("nflows/simple_realnvp_6d", "sigmoid(a+2)+1e-3", "exp(a)", "'exp(a)'")]
    [InlineData("normflows/realnvp_2d", "\"Permute\"", "\"Radial\"", "'Radial' has no closed inverse")]
    [InlineData("normflows/realnvp_2d", "\"DiagGaussian\"", "\"GaussianPCA\"", "is not a density")]
    [InlineData("normflows/realnvp_2d", "\"library\": \"normflows\"", "\"library\": \"jaxflows\"", "'jaxflows' is none of")]
    public void What_is_ambiguous_or_unsupported_is_refused_with_the_sentence_that_helps(string model, string from, string to, string message)
    {
        string description = File.ReadAllText(Path.Combine(Golden(model), "model.json"));
        Assert.Contains(from, description, StringComparison.Ordinal);
        Fails(model, description.Replace(from, to, StringComparison.Ordinal), null, message);
    }

    [Fact]
    public void A_key_without_a_place_is_named() => Fails("zuko/nsf_5d", null, weights => weights["stray"] = weights.Values.First(), "stray");

    [Fact]
    public void A_missing_key_is_named() =>
        Fails("zuko/nsf_5d", null, weights => weights.Remove("transform.transforms.1.hyper.2.bias"), "'transform.transforms.1.hyper.2.bias' is missing");

    [Fact]
    public void A_tensor_of_another_shape_is_named() => Fails("normflows/affine_mix", null,
        weights => weights["flows.3.s"] = weights["flows.0.flows.1.param_map.net.0.weight"], "tensor 'flows.3.s' is F32 [32, 3], model.json needs [5]");

    [Fact]
    public void An_ActNorm_that_never_saw_data_is_refused() => Fails("normflows/realnvp_masked", null,
        weights => weights["flows.1.data_dep_init_done"] = new(WeightType.F32, [], new byte[4]), "has not been initialised");

    [Fact]
    public void Nothing_is_written_where_an_import_fails()
    {
        Fails("zuko/nsf_5d", null, weights => weights.Remove("base.loc"), "base.loc");
        Assert.False(Directory.Exists(Path.GetDirectoryName(Out)));
    }

    private void Fails(string model, string? description, Action<Dictionary<string, WeightTensor>>? change, string message)
    {
        Dictionary<string, WeightTensor> weights = StateDict.Read(Path.Combine(Golden(model), "weights.safetensors"));
        change?.Invoke(weights);
        string source = Path.Combine(folder.FullName, "source");
        Directory.CreateDirectory(source);
        File.WriteAllBytes(Path.Combine(source, "weights.safetensors"), Safetensors.Write(weights));
        File.WriteAllText(Path.Combine(source, "model.json"), description ?? File.ReadAllText(Path.Combine(Golden(model), "model.json")));
        (int code, _, string error) = Cli.Run("import", source, "--out", Out);
        Assert.Equal(1, code);
        Assert.Contains(message, error, StringComparison.Ordinal);
        Assert.Single(error.TrimEnd().Split('\n'));
    }

    private static double[] Flat(JsonNode value) => value switch
    {
        JsonArray array => [.. array.SelectMany(item => Flat(item!))],
        JsonValue number when number.GetValueKind() is JsonValueKind.True or JsonValueKind.False => [number.GetValue<bool>() ? 1 : 0],
        _ => [value.GetValue<double>()],
    };

    private static double[] Values(WeightTensor tensor) => tensor.Type switch
    {
        WeightType.F32 => [.. MemoryMarshal.Cast<byte, float>(tensor.Data.Span).ToArray().Select(value => (double)value)],
        WeightType.F64 => MemoryMarshal.Cast<byte, double>(tensor.Data.Span).ToArray(),
        WeightType.F16 => [.. MemoryMarshal.Cast<byte, Half>(tensor.Data.Span).ToArray().Select(value => (double)value)],
        WeightType.BF16 => [.. MemoryMarshal.Cast<byte, ushort>(tensor.Data.Span).ToArray().Select(value => (double)BitConverter.UInt32BitsToSingle((uint)value << 16))],
        WeightType.I64 => [.. MemoryMarshal.Cast<byte, long>(tensor.Data.Span).ToArray().Select(value => (double)value)],
        _ => [.. tensor.Data.ToArray().Select(value => (double)value)],
    };

    public void Dispose() => folder.Delete(recursive: true);
}
