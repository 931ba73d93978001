using System.Security.Cryptography;
using System.Text;
using FlowCore.Bijections;
using FlowCore.Bijections.Elements;
using FlowCore.Checkpoints;
using FlowCore.Conditioners;
using FlowCore.Engines;
using FlowCore.Engines.Compiled;
using FlowCore.Tests.Laws;

namespace FlowCore.Tests.Checkpoints;

public sealed class CheckpointTests : IDisposable
{
    private readonly string folder = Path.Combine(Path.GetTempPath(), "flow-" + Guid.NewGuid().ToString("N"));

    private static readonly FlowSpec Spec = new()
    {
        Name = "small",
        EventShape = [3],
        Features = ["a", "b", "c"],
        Bijections =
        [
            new StandardizeSpec(),
            new CouplingSpec { Mask = CouplingMask.Odd, Element = new AffineElementSpec(), Conditioner = new MlpSpec { Hidden = [4] } },
            new LinearSpec(),
        ],
    };

    private const string Tensor = "bijections.1.conditioner.layers.1.weight";

    [Fact]
    public void A_written_checkpoint_is_read_back_to_the_last_bit()
    {
        double[] x = [0.5, -1, 2, 3, 0, -4], expected = Write(x), actual = new double[2];
        using var engine = new TorchEngine<double>(Checkpoint.Read(folder).BuildFlow());
        engine.Forward(x, [], new double[6], new double[2], actual);
        Assert.Equal(expected, actual);
        using var compiled = new CompiledEngine<double>(Checkpoint.Read(folder));
        compiled.Forward(x, [], new double[6], new double[2], actual);
        for (int row = 0; row < 2; row++)
            Assert.Equal(expected[row], actual[row], 1e-12);
        Assert.Equal("# card", File.ReadAllText(Path.Combine(folder, "README.md")));
        Assert.Equal(["README.md", "flow.json", "weights.safetensors"], Directory.GetFiles(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Empty(Directory.GetDirectories(Path.GetDirectoryName(folder)!, $".{Path.GetFileName(folder)}*"));
    }

    [Fact]
    public void An_existing_checkpoint_is_never_overwritten()
    {
        Write();
        byte[] before = File.ReadAllBytes(WeightsPath);
        using Flow flow = FlowBuilder.Build(Spec);
        Assert.Contains("exists already", Assert.Throws<CheckpointException>(() => Checkpoint.Of(flow).Write(folder, "")).Message, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(WeightsPath));
    }

    [Fact]
    public void A_missing_file_is_named() =>
        Assert.Contains("flow.json: not found", Assert.Throws<CheckpointException>(() => Checkpoint.Read(folder)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(0), InlineData(7), InlineData(100), InlineData(-1)]
    public void A_truncated_file_is_refused(int length)
    {
        Write();
        byte[] bytes = File.ReadAllBytes(WeightsPath);
        Refused(bytes[..(length < 0 ? bytes.Length + length : length)], "weights.safetensors");
    }

    [Fact]
    public void A_flipped_bit_is_refused_by_the_hash()
    {
        Write();
        byte[] bytes = File.ReadAllBytes(WeightsPath);
        bytes[^3] ^= 0x10;
        File.WriteAllBytes(WeightsPath, bytes);
        Assert.Contains("sha256", Assert.Throws<CheckpointException>(() => Checkpoint.Read(folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_header_length_of_2_to_the_63_allocates_nothing()
    {
        Write();
        byte[] bytes = File.ReadAllBytes(WeightsPath);
        BitConverter.TryWriteBytes(bytes, 1UL << 63);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Refused(bytes, "header length 9223372036854775808");
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 10_000_000);
    }

    [Theory]
    [InlineData("""{"t":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"u":{"dtype":"F32","shape":[4],"data_offsets":[8,24]}}""", 24, "'u' overlaps tensor 't'")]
    [InlineData("""{"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"u":{"dtype":"F32","shape":[2],"data_offsets":[16,24]}}""", 24, "8 bytes before tensor 'u'")]
    [InlineData("""{"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 24, "16 bytes at the end")]
    [InlineData("""{"t":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}}""", 8, "'t' of shape [4611686018427387904, 4] is larger")]
    [InlineData("""{"t":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", 8, "'t' of shape [-2]")]
    [InlineData("""{"t":{"dtype":"F32","shape":[3],"data_offsets":[0,16]}}""", 16, "'t' has 16 bytes of data, its dtype and shape need 12")]
    [InlineData("""{"t":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}""", 8, "'t' has data_offsets [8, 16] outside")]
    [InlineData("""{"t":{"dtype":"X9","shape":[2],"data_offsets":[0,8]}}""", 8, "'t' has the unknown dtype 'X9'")]
    [InlineData("""{"t":{"dtype":"F32","shape":"two","data_offsets":[0,8]}}""", 8, "not a safetensors header (each tensor needs a dtype, a shape and two data_offsets, in whole numbers)")]
    [InlineData("""{"t":{"shape":[2],"data_offsets":[0,8]}}""", 8, "not a safetensors header (each tensor needs a dtype, a shape and two data_offsets, in whole numbers)")]
    [InlineData("""{"t":{"dtype":"F32","shape":[2],"data_offsets":[0,1e99]}}""", 8, "not a safetensors header (each tensor needs a dtype, a shape and two data_offsets, in whole numbers)")]
    [InlineData("""[1,2]""", 0, "not a safetensors header")]
    [InlineData("""{"t":""", 0, "not a safetensors header")]
    public void An_unsound_header_is_refused_by_tensor(string header, int data, string message)
    {
        byte[] text = Encoding.UTF8.GetBytes(header);
        byte[] file = [.. BitConverter.GetBytes((ulong)text.Length), .. text, .. new byte[data]];
        Assert.Contains(message, Assert.Throws<CheckpointException>(() => Safetensors.Read(file, "file")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_shape_is_refused_by_tensor() =>
        Altered(weights => weights[Tensor] = weights[Tensor] with { Shape = [2, 4] }, $"tensor '{Tensor}' is F32 [2, 4], the flow needs F32 [4, 2]");

    [Fact]
    public void A_wrong_dtype_is_refused_by_tensor() =>
        Altered(weights => weights[Tensor] = new(WeightType.I32, [4, 2], weights[Tensor].Data), $"tensor '{Tensor}' is I32 [4, 2]");

    [Fact]
    public void A_missing_tensor_is_named() =>
        Altered(weights => weights.Remove(Tensor), $"tensor '{Tensor}' is missing");

    [Fact]
    public void An_unknown_tensor_is_named() =>
        Altered(weights => weights["extra"] = weights[Tensor], "tensor 'extra' has no place");

    [Fact]
    public void NaN_weights_are_refused_by_tensor_and_element() => Altered(
        weights =>
        {
            byte[] data = weights[Tensor].Data.ToArray();
            BitConverter.TryWriteBytes(data.AsSpan(12), float.NaN);
            weights[Tensor] = weights[Tensor] with { Data = data };
        },
        $"tensor '{Tensor}' holds NaN or infinity at element 3");

    [Theory]
    [InlineData("\"format_version\": 1", "\"format_version\": 9", "format_version")]
    [InlineData("\"event_shape\"", "\"event_shapes\"", "event_shapes")]
    [InlineData("\"kind\": \"linear\"", "\"kind\": \"liner\"", "liner")]
    [InlineData("\"odd\"", "\"sideways\"", "sideways")]
    [InlineData("\"bound\": 2", "\"bound\": -2", "bijections[1].element.bound")]
    [InlineData("\"b\",", "", "features: has 2 names for 3 values")]
    [InlineData("weights.safetensors", "../weights.safetensors", "weights.file")]
    public void A_wrong_description_is_refused_by_field(string from, string to, string message)
    {
        Write();
        string path = Path.Combine(folder, "flow.json"), text = File.ReadAllText(path);
        Assert.Contains(from, text, StringComparison.Ordinal);
        File.WriteAllText(path, text.Replace(from, to, StringComparison.Ordinal));
        Assert.Contains(message, Assert.ThrowsAny<FlowException>(() => Checkpoint.Read(folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Masks_that_contradict_the_order_are_refused_by_both_engines()
    {
        var spec = new FlowSpec
        {
            Name = "made",
            EventShape = [2],
            Bijections = [new AutoregressiveSpec { Element = new AffineElementSpec(), Conditioner = new MadeSpec { Hidden = [4] } }],
        };
        using Flow flow = FlowBuilder.Build(spec);
        RandomWeights.Fill(flow, 3);
        Checkpoint checkpoint = Checkpoint.Of(flow) with { Spec = spec with { Bijections = [((AutoregressiveSpec)spec.Bijections[0]) with { Order = [1, 0] }] } };
        SameRefusal(checkpoint, "bijections[0].conditioner: the parameters of feature 1 depend on a feature of its own group or a later one; its masks must forbid it");
    }

    private string WeightsPath => Path.Combine(folder, "weights.safetensors");

    private double[] Write(double[]? x = null)
    {
        Flow flow = FlowBuilder.Build(Spec);
        RandomWeights.Fill(flow, 3);
        Checkpoint.Of(flow).Write(folder, "# card");
        using var engine = new TorchEngine<double>(flow);
        double[] logProb = new double[(x?.Length ?? 0) / 3];
        engine.Forward(x, [], new double[x?.Length ?? 0], new double[logProb.Length], logProb);
        return logProb;
    }

    // With a hash that fits, so that the reason under test is the only one.
    private void Refused(byte[] weights, string message)
    {
        string path = Path.Combine(folder, "flow.json");
        string hash = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(WeightsPath)));
        File.WriteAllBytes(WeightsPath, weights);
        File.WriteAllText(path, File.ReadAllText(path).Replace(hash, Convert.ToHexStringLower(SHA256.HashData(weights)), StringComparison.Ordinal));
        Assert.Contains(message, Assert.ThrowsAny<FlowException>(() => Checkpoint.Read(folder)).Message, StringComparison.Ordinal);
    }

    private void Altered(Action<Dictionary<string, WeightTensor>> change, string message)
    {
        Write();
        var weights = new Dictionary<string, WeightTensor>(Checkpoint.Read(folder).Weights);
        change(weights);
        SameRefusal(new Checkpoint(Spec, weights), message);
        Refused(Safetensors.Write(weights), message);
    }

    private static void SameRefusal(Checkpoint checkpoint, string message)
    {
        Assert.StartsWith(message, Assert.ThrowsAny<FlowException>(checkpoint.BuildFlow).Message, StringComparison.Ordinal);
        Assert.StartsWith(message, Assert.ThrowsAny<FlowException>(() => new CompiledEngine<float>(checkpoint)).Message, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }
}
