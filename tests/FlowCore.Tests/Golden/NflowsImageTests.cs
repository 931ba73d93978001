using FlowCore.Interop;

namespace FlowCore.Tests.Golden;

/// <summary>nflows' layers of images, of which there is no golden model, against plain arithmetic.</summary>
public sealed class NflowsImageTests : ImportedLayers
{
    private const string Affine = """
        {"type": "affine_coupling", "prefix": "a", "identity_features": [1, 3], "transform_features": [0, 2], "scale": "sigmoid(a+2)+1e-3", "net":
         {"type": "conv_residual_net", "prefix": "a.transform_net", "num_blocks": 1, "activation": "relu", "batch_norm": true, "context": 0}}
        """;

    private const string Splines = """
        {"type": "rqs_coupling", "prefix": "s", "identity_features": [0], "transform_features": [1],
         "spline": {"type": "rqs", "bins": 2, "tails": "linear", "tail_bound": 3.0, "softmax_scale_divisor_sqrt_of": 4},
         "net": {"type": "conv_residual_net", "prefix": "s.transform_net", "num_blocks": 0, "activation": "relu", "batch_norm": false},
         "unconditional": {"type": "rqs_cdf", "prefix": "s.unconditional_transform", "bins": 2, "tails": "linear", "tail_bound": 3.0}}
        """;

    [Fact]
    public void A_multiscale_flow_squeezes_mixes_couples_and_leaves_half_behind()
    {
        const int height = 1, width = 2, pixels = 2; // behind the squeeze
        string json = Flow("2, 2, 4", $$"""
            {"type": "multiscale_composite", "prefix": "t", "layers": [
              {"type": "composite", "layers": [{"type": "squeeze", "factor": 2}, {"type": "act_norm", "prefix": "n"}, {"type": "one_by_one_conv", "prefix": "c", "eps": 0.001}]},
              {"type": "composite", "layers": [{"type": "permutation", "prefix": "p"}, {{Affine}}]}, {{Splines}}]}
            """);
        double[] log = Random("n.log_scale", 8), shift = Random("n.shift", 8);
        Weights["n.initialized"] = Tensor([1], 1);
        int[] order = [7, 0, 6, 1, 5, 2, 4, 3], swap = [3, 0, 2, 1];
        Integers("c.permutation._permutation", order);
        Integers("p._permutation", swap);
        double[] lower = Random("c.lower_entries", 28), upper = Random("c.upper_entries", 28), raw = Random("c.unconstrained_upper_diag", 8), bias = Random("c.bias", 8);
        double[] pivots = [.. raw.Select(value => Math.Log(1 + Math.Exp(value)) + 1e-3)];
        Integers("a.identity_features", 1, 3);
        Integers("a.transform_features", 0, 2);
        Integers("s.identity_features", 0);
        Integers("s.transform_features", 1);
        double[] w0 = Random("a.transform_net.initial_layer.weight", 3, 2, 1, 1), b0 = Random("a.transform_net.initial_layer.bias", 3);
        Func<double[], double[]> block = Block("a.transform_net.blocks.0", 3, height, width);
        double[] w1 = Random("a.transform_net.final_layer.weight", 4, 3, 1, 1), b1 = Random("a.transform_net.final_layer.bias", 4);
        double[] w2 = Random("s.transform_net.initial_layer.weight", 4, 1, 1, 1), b2 = Random("s.transform_net.initial_layer.bias", 4);
        double[] w3 = Random("s.transform_net.final_layer.weight", 5, 4, 1, 1), b3 = Random("s.transform_net.final_layer.bias", 5);
        double[] own = Random("s.unconditional_transform.unnormalized_widths", 1, height, width, 2), heights = Random("s.unconditional_transform.unnormalized_heights", 1, height, width, 2);
        double[] slopes = Random("s.unconditional_transform.unnormalized_derivatives", 1, height, width, 1);

        double Expected(double[] x, double[] z)
        {
            double total = (log.Sum() + pivots.Sum(Math.Log)) * pixels;
            var h = new double[16];
            for (int i = 0; i < 16; i++)
            {
                // Channel c of row 2 r + i and column 2 q + j becomes channel 4 c + 2 i + j of row r and column q.
                int channel = i / 8, row = i / 4 % 2, column = i % 4, to = 4 * channel + 2 * row + column % 2;
                h[to * pixels + column / 2] = x[i] * Math.Exp(log[to]) + shift[to];
            }
            var mixed = new double[16];
            for (int pixel = 0; pixel < pixels; pixel++)
            {
                double[] at = [.. order.Select(channel => h[channel * pixels + pixel])], u = new double[8];
                for (int i = 0, entry = 0; i < 8; i++)
                {
                    u[i] = pivots[i] * at[i];
                    for (int j = i + 1; j < 8; j++)
                        u[i] += upper[entry++] * at[j];
                }
                for (int i = 0, entry = 0; i < 8; i++)
                {
                    mixed[i * pixels + pixel] = u[i] + bias[i];
                    for (int j = 0; j < i; j++)
                        mixed[i * pixels + pixel] += lower[entry++] * u[j];
                }
            }
            mixed[..8].CopyTo(z, 0);

            double[] swapped = [.. swap.SelectMany(channel => mixed[(8 + channel * pixels)..(8 + channel * pixels + pixels)])];
            double[] parameters = Convolved(w1, b1, 1, height, width, block(Convolved(w0, b0, 1, height, width, [.. swapped[2..4], .. swapped[6..8]])));
            var coupled = (double[])swapped.Clone();
            foreach (var (channel, k) in new[] { (0, 0), (2, 1) })
                for (int pixel = 0; pixel < pixels; pixel++)
                {
                    double scale = 1 / (1 + Math.Exp(-parameters[(2 + k) * pixels + pixel] - 2)) + 1e-3;
                    coupled[channel * pixels + pixel] = swapped[channel * pixels + pixel] * scale + parameters[k * pixels + pixel];
                    total += Math.Log(scale);
                }
            coupled[..4].CopyTo(z, 8);

            double[] spline = Convolved(w3, b3, 1, height, width, Convolved(w2, b2, 1, height, width, coupled[4..6]));
            for (int pixel = 0; pixel < pixels; pixel++)
            {
                double Raw(int k) => spline[k * pixels + pixel];
                (z[12 + pixel], double kept) = At(coupled[4 + pixel], own[(2 * pixel)..(2 * pixel + 2)], heights[(2 * pixel)..(2 * pixel + 2)], slopes[pixel]);
                (z[14 + pixel], double changed) = At(coupled[6 + pixel], [Raw(0) / 2, Raw(1) / 2], [Raw(2) / 2, Raw(3) / 2], Raw(4));
                total += kept + changed;
            }
            return total + StandardNormal(z);
        }
        double[] noise = new double[5 * 16];
        FlowCore.Densities.Noise.FillNormal(7, 0, noise.Length, noise.AsSpan());
        Agrees(json, [.. noise.Chunk(16)], Expected);
    }

    [Theory]
    [InlineData("""{"type": "squeeze", "factor": 4}""", "another factor than 2")]
    [InlineData("""{"type": "lu_linear", "prefix": "t"}""", "'lu_linear' is not supported on images")]
    [InlineData("""{"type": "umnn", "prefix": "t"}""", "'umnn' is not supported on images")]
    public void What_it_cannot_do_to_images_is_refused(string transform, string words)
    {
        var refusal = Assert.Throws<ImportException>(() => Agrees(Flow("2, 2, 4", transform), [new double[16]], (_, _) => 0));

        Assert.Contains(words, refusal.Message, StringComparison.Ordinal);
    }

    private static string Flow(string shape, string transform) => $$"""
        {"library": "nflows", "event_size": 16, "event_shape": [{{shape}}], "context_size": 0, "structure": {"transform": {{transform}}, "base": {"type": "standard_normal"}, "embedding": null} }
        """;

    private static (double Value, double LogDerivative) At(double x, double[] widths, double[] heights, double slope) =>
        Math.Abs(x) > 3 ? (x, 0) : ScalarSpline.At(x, widths, heights, [double.NaN, slope, double.NaN], -3, 3);

    /// <summary>x + conv(relu(norm(conv(relu(norm(x)))))), with 3x3 convolutions.</summary>
    private Func<double[], double[]> Block(string prefix, int channels, int height, int width)
    {
        var steps = new List<Func<double[], double[]>>();
        for (int i = 0; i < 2; i++)
        {
            double[] weight = Random($"{prefix}.batch_norm_layers.{i}.weight", channels), bias = Random($"{prefix}.batch_norm_layers.{i}.bias", channels);
            double[] mean = Random($"{prefix}.batch_norm_layers.{i}.running_mean", channels);
            float[] variance = [.. Enumerable.Range(1, channels).Select(k => 0.5f * k)];
            Weights[$"{prefix}.batch_norm_layers.{i}.running_var"] = Tensor(variance, channels);
            double[] filter = Random($"{prefix}.conv_layers.{i}.weight", channels, channels, 3, 3), offset = Random($"{prefix}.conv_layers.{i}.bias", channels);
            steps.Add(x => Convolved(filter, offset, 3, height, width,
                [.. x.Select((value, at) => at / (height * width)).Select((c, at) => Math.Max(0, (x[at] - mean[c]) / Math.Sqrt(variance[c] + 1e-3) * weight[c] + bias[c]))]));
        }
        return x => [.. x.Zip(steps[1](steps[0](x)), (a, b) => a + b)];
    }
}
