using FlowCore.Interop;

namespace FlowCore.Tests.Golden;

/// <summary>normflows' planar layers, and its masked couplings of images, against plain arithmetic.</summary>
public sealed class NormflowsImportTests : ImportedLayers
{
    private const int Channels = 2, Height = 2, Width = 3, Pixels = Height * Width;

    [Fact]
    public void A_planar_layer_with_a_leaky_rectifier_is_inverted()
    {
        double[] u = Random("flows.0.u", 1, 3), w = Random("flows.0.w", 1, 3), b = Random("flows.0.b", 1), loc = Random("q0.loc", 1, 3), log = Random("q0.log_scale", 1, 3);
        double inner = Dot(w, u), along = Math.Log(1 + Math.Exp(inner)) - 1;
        double[] direction = [.. u.Select((value, i) => value + (along - inner) * w[i] / Dot(w, w))];
        double Expected(double[] x, double[] z)
        {
            double height = Dot(w, x) + b[0], slope = height < 0 ? 0.2 : 1, stretch = 1 + slope * Dot(w, direction);
            for (int i = 0; i < 3; i++)
                z[i] = x[i] - slope * direction[i] * height / stretch;
            return -Math.Log(Math.Abs(stretch)) - log.Sum() + StandardNormal(z.Select((value, i) => (value - loc[i]) * Math.Exp(-log[i])));
        }
        Agrees(Flow([3], "Planar", """{"shape": [3], "act": "leaky_relu"}"""), Rows(8, 3), Expected, compiled: false);
    }

    [Fact]
    public void A_planar_layer_without_an_inverse_is_refused()
    {
        Random("flows.0.u", 1, 3);
        var refusal = Assert.Throws<ImportException>(() => Agrees(Flow([3], "Planar", """{"shape": [3], "act": "tanh"}"""), Rows(1, 3), (_, _) => 0));

        Assert.Contains("has no closed inverse", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("even")]
    [InlineData("odd")]
    [InlineData("channel")]
    public void A_masked_coupling_of_images_keeps_what_its_mask_marks(string kept)
    {
        bool Keeps(int channel, int row, int column) => kept == "channel" ? channel == 1 : (row + column) % 2 == (kept == "odd" ? 1 : 0);
        (int Channel, int Row, int Column)[] places =
            [.. from c in Enumerable.Range(0, Channels) from i in Enumerable.Range(0, Height) from j in Enumerable.Range(0, Width) select (c, i, j)];
        float[] mask = [.. places.Select(at => Keeps(at.Channel, at.Row, at.Column) ? 1f : 0f)];
        Weights["flows.0.b"] = Tensor(mask, 1, Channels, Height, Width);
        double[] loc = Random("q0.loc", 1, Channels, Height, Width), log = Random("q0.log_scale", 1, Channels, Height, Width);
        Func<double[], double[]> shift = Network("t"), scale = Network("s");
        double Expected(double[] x, double[] z)
        {
            double[] seen = [.. x.Select((value, i) => value * mask[i])], t = shift(seen), s = scale(seen);
            for (int i = 0; i < z.Length; i++)
                z[i] = mask[i] == 1 ? x[i] : (x[i] - t[i]) * Math.Exp(-s[i]);
            return -s.Where((_, i) => mask[i] == 0).Sum() - log.Sum() + StandardNormal(z.Select((value, i) => (value - loc[i]) * Math.Exp(-log[i])));
        }
        Agrees(Masked("t", "s"), Rows(4, Channels * Pixels), Expected);
    }

    [Fact]
    public void A_masked_coupling_of_images_may_scale_nothing()
    {
        float[] mask = [.. Enumerable.Range(0, Channels * Pixels).Select(i => i < Pixels ? 1f : 0f)];
        Weights["flows.0.b"] = Tensor(mask, 1, Channels, Height, Width);
        double[] loc = Random("q0.loc", 1, Channels, Height, Width), log = Random("q0.log_scale", 1, Channels, Height, Width);
        Func<double[], double[]> shift = Network("t");
        double Expected(double[] x, double[] z)
        {
            double[] t = shift([.. x.Select((value, i) => value * mask[i])]);
            for (int i = 0; i < z.Length; i++)
                z[i] = mask[i] == 1 ? x[i] : x[i] - t[i];
            return -log.Sum() + StandardNormal(z.Select((value, i) => (value - loc[i]) * Math.Exp(-log[i])));
        }
        Agrees(Masked("t"), Rows(4, Channels * Pixels), Expected);
    }

    [Fact]
    public void A_mask_of_another_pattern_is_refused()
    {
        Weights["flows.0.b"] = Tensor([1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], 1, Channels, Height, Width);

        var refusal = Assert.Throws<ImportException>(() => Agrees(Masked("t"), Rows(1, Channels * Pixels), (_, _) => 0));

        Assert.Contains("whole channels, or a checkerboard", refusal.Message, StringComparison.Ordinal);
    }

    private static double Dot(double[] a, double[] b) => a.Zip(b, (x, y) => x * y).Sum();

    private static double[][] Rows(int count, int width)
    {
        var noise = new double[count * width];
        FlowCore.Densities.Noise.FillNormal(99, 0, noise.Length, noise.AsSpan());
        return [.. noise.Select(value => 1.5 * value).Chunk(width)];
    }

    private static string Flow(int[] shape, string type, string args) => $$"""
        {"library": "normflows", "wrapper": "NormalizingFlow", "event_shape": [{{string.Join(", ", shape)}}],
         "base": {"type": "DiagGaussian", "args": {"shape": [{{string.Join(", ", shape)}}]}, "key_prefix": "q0."},
         "flows": [{"type": "{{type}}", "key_prefix": "flows.0.", "args": {{args}}}]}
        """;

    private static string Masked(params string[] networks)
    {
        const string net = """{"type": "ConvNet2d", "args": {"channels": [2, 3, 2], "kernel_size": [3, 1], "leaky": 0.1, "init_zeros": false, "actnorm": false}}""";
        string Net(string name) => networks.Contains(name) ? net : "null";
        return Flow([Channels, Height, Width], "MaskedAffineFlow", $$"""{"b": null, "t": {{Net("t")}}, "s": {{Net("s")}}}""");
    }

    /// <summary>A 3x3 convolution, a leaky rectifier, and a 1x1 convolution, with random weights under the layer's keys.</summary>
    private Func<double[], double[]> Network(string name)
    {
        const int hidden = 3;
        double[] w0 = Random($"flows.0.{name}.net.0.weight", hidden, Channels, 3, 3), b0 = Random($"flows.0.{name}.net.0.bias", hidden);
        double[] w1 = Random($"flows.0.{name}.net.2.weight", Channels, hidden, 1, 1), b1 = Random($"flows.0.{name}.net.2.bias", Channels);
        return x =>
        {
            double[] h = Convolved(w0, b0, 3, Height, Width, x);
            return Convolved(w1, b1, 1, Height, Width, [.. h.Select(value => Math.Max(value, 0.1 * value))]);
        };
    }
}
