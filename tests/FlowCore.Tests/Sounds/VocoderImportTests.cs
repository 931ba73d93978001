using System.Text;
using FlowCore.Checkpoints;
using FlowCore.Engines;
using FlowCore.Interop;
using FlowSound;

namespace FlowCore.Tests.Sounds;

/// <summary>Checkpoints of the layouts of WaveGlow and SqueezeWave, with random weights: Vocoders/make.py evaluated them by PyTorch.</summary>
public sealed class VocoderImportTests
{
    [Theory]
    [InlineData("waveglow_random", EngineKind.Torch)]
    [InlineData("waveglow_random", EngineKind.Compiled)]
    [InlineData("squeezewave_random", EngineKind.Torch)]
    [InlineData("squeezewave_random", EngineKind.Compiled)]
    [InlineData("squeezewave_folded", EngineKind.Torch)]
    [InlineData("squeezewave_folded", EngineKind.Compiled)]
    public void It_computes_what_pytorch_computed(string name, EngineKind kind)
    {
        Dictionary<string, WeightTensor> cases = Tensors(name, "cases.safetensors");
        double[] x = cases["x"].ToDoubles(), context = cases["context"].ToDoubles(), z = cases["z"].ToDoubles();
        int rows = (int)cases["x"].Shape[0];
        using FlowEngine<double> engine = Engine.Open<double>(Import(name), kind);
        double[] latents = new double[x.Length], back = new double[x.Length], logDet = new double[rows], logProb = new double[rows];
        engine.Forward(x, context, latents, logDet, logProb);
        Close(z, latents);
        Close(cases["log_det"].ToDoubles(), logDet);
        Close(cases["log_prob"].ToDoubles(), logProb);
        engine.Inverse(z, context, back, logDet, logProb);
        Close(x, back);
    }

    [Theory, InlineData("waveglow_random"), InlineData("squeezewave_random")]
    public void It_speaks_block_by_block(string name)
    {
        using var vocoder = new Vocoder(Import(name));
        int frames = 3 * vocoder.Block / vocoder.Sound.Hop;
        float[] mels = [.. Enumerable.Range(0, vocoder.Sound.Mels * frames).Select(i => MathF.Sin(i))];
        float[][] blocks = [.. vocoder.Speak(mels, seed: 1)];
        Assert.True(blocks.Length > 2);
        Assert.Equal(vocoder.Speak(mels, seed: 1, wholly: true).SelectMany(block => block), blocks.SelectMany(block => block));
    }

    [Fact]
    public void What_has_no_place_is_refused()
    {
        Dictionary<string, WeightTensor> weights = Tensors("waveglow_random", "weights.safetensors");
        string description = File.ReadAllText(Path.Combine(Folder("waveglow_random"), "model.json"));
        Refused(description.Replace("\"n_layers\": 3", "\"n_layers\": 2", StringComparison.Ordinal), "cond_layer");
        Refused(description.Replace("\"win_length\": 32", "\"win_length\": 16", StringComparison.Ordinal), "win_length");
        Refused(description.Replace("waveglow_config", "config", StringComparison.Ordinal), "waveglow_config");
        weights.Remove("upsample.bias");
        Refused(description, "upsample.bias");

        void Refused(string text, string message) => Assert.Contains(
            message, Assert.Throws<ImportException>(() => ForeignModel.Import(Encoding.UTF8.GetBytes(text), weights, "vocoder")).Message, StringComparison.Ordinal);
    }

    private static string Folder(string name) => Path.Combine(AppContext.BaseDirectory, "Sounds", "Vocoders", name);

    private static Dictionary<string, WeightTensor> Tensors(string name, string file) =>
        Safetensors.Read(File.ReadAllBytes(Path.Combine(Folder(name), file)), file);

    private static Checkpoint Import(string name) =>
        ForeignModel.Import(File.ReadAllBytes(Path.Combine(Folder(name), "model.json")), Tensors(name, "weights.safetensors"), name);

    private static void Close(double[] expected, double[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], actual[i], 1e-12 * (1 + Math.Abs(expected[i])));
    }
}
