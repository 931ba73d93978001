namespace FlowCore.Tests.Golden;

/// <summary>normflows' ways to take a datum apart, and constant affine layers of any shape, against plain arithmetic.</summary>
public sealed class SplitImportTests : ImportedLayers
{
    [Theory]
    [InlineData("channel", 3)]
    [InlineData("channel_inv", 3)]
    [InlineData("channel_inv", 2)]
    [InlineData("checkerboard", 2)]
    [InlineData("checkerboard_inv", 1)]
    public void A_level_keeps_the_part_that_its_merge_puts_second(string mode, int channels)
    {
        const int height = 2, width = 4, pixels = height * width;
        bool board = mode.StartsWith("checkerboard", StringComparison.Ordinal), inverted = mode.EndsWith("_inv", StringComparison.Ordinal);
        // Of two parts the first chunk is the larger one; the white fields are those whose indices add up to an odd number.
        bool GoesOn(int i) => (board ? (i / pixels + i / width % height + i % width) % 2 == 1 : i / pixels < (channels + 1) / 2) != inverted;
        int[] inner = [.. Enumerable.Range(0, channels * pixels).Where(GoesOn)], rest = [.. Enumerable.Range(0, channels * pixels).Except(inner)];
        int[] Shape(int count) => board ? [channels, height, width / 2] : [count / pixels, height, width];
        string innerShape = string.Join(", ", Shape(inner.Length)), restShape = string.Join(", ", Shape(rest.Length));
        string json = $$$"""
            {"library": "normflows", "wrapper": "MultiscaleFlow", "event_shape": [{{{channels}}}, {{{height}}}, {{{width}}}], "class_cond": false, "transform": null,
             "base": [{"type": "DiagGaussian", "args": {"shape": [{{{innerShape}}}]}, "key_prefix": "q0.0."}, {"type": "DiagGaussian", "args": {"shape": [{{{restShape}}}]}, "key_prefix": "q0.1."}],
             "levels": [[{"type": "AffineConstFlow", "args": {"shape": [{{{innerShape}}}]}, "key_prefix": "flows.0.0."}],
                        [{"type": "AffineConstFlow", "args": {"shape": [{{{channels}}}, 1, 1]}, "key_prefix": "flows.1.0."}]],
             "merges": [{"type": "Merge", "args": {"mode": "{{{mode}}}"}, "key_prefix": "merges.0."}]}
            """;
        double[] s0 = Random("flows.0.0.s", [1, .. Shape(inner.Length)]), t0 = Random("flows.0.0.t", [1, .. Shape(inner.Length)]);
        double[] s1 = Random("flows.1.0.s", 1, channels, 1, 1), t1 = Random("flows.1.0.t", 1, channels, 1, 1);
        double[] loc0 = Random("q0.0.loc", [1, .. Shape(inner.Length)]), log0 = Random("q0.0.log_scale", [1, .. Shape(inner.Length)]);
        double[] loc1 = Random("q0.1.loc", [1, .. Shape(rest.Length)]), log1 = Random("q0.1.log_scale", [1, .. Shape(rest.Length)]);
        double Expected(double[] x, double[] z)
        {
            double[] h = [.. x.Select((value, i) => (value - t1[i / pixels]) * Math.Exp(-s1[i / pixels]))];
            double[] coarse = [.. inner.Select((i, k) => (h[i] - t0[k]) * Math.Exp(-s0[k]))], fine = [.. rest.Select(i => h[i])];
            double[] latent = [.. coarse, .. fine];
            latent.CopyTo(z, 0);
            return -s1.Sum() * pixels - s0.Sum() - log0.Sum() - log1.Sum()
                + StandardNormal(coarse.Select((value, k) => (value - loc0[k]) * Math.Exp(-log0[k])))
                + StandardNormal(fine.Select((value, k) => (value - loc1[k]) * Math.Exp(-log1[k])));
        }
        Agrees(json, Rows(3, channels * pixels), Expected);
    }

    [Theory]
    [InlineData("checkerboard")]
    [InlineData("checkerboard_inv")]
    [InlineData("channel_inv")]
    public void A_coupling_of_vectors_knows_checkerboards(string mode)
    {
        string json = $$$"""
            {"library": "normflows", "wrapper": "NormalizingFlow", "event_shape": [4], "base": {"type": "DiagGaussian", "args": {"shape": [4]}, "key_prefix": "q0."},
             "flows": [{"type": "AffineCouplingBlock", "key_prefix": "flows.0.", "args": {"scale": true, "scale_map": "exp", "split_mode": "{{{mode}}}",
               "param_map": {"type": "MLP", "args": {"layers": [2, 4], "leaky": 0.0, "output_fn": null} } }}]}
            """;
        double[] w = Random("flows.0.flows.1.param_map.net.0.weight", 4, 2), b = Random("flows.0.flows.1.param_map.net.0.bias", 4);
        double[] loc = Random("q0.loc", 1, 4), log = Random("q0.log_scale", 1, 4);
        int[] kept = mode switch { "checkerboard" => [1, 3], "checkerboard_inv" => [0, 2], _ => [2, 3] }, changed = [.. Enumerable.Range(0, 4).Except(kept)];
        double Expected(double[] x, double[] z)
        {
            x.CopyTo(z, 0);
            double total = -log.Sum();
            for (int k = 0; k < 2; k++)
            {
                // Shift and scale come in turns.
                double Output(int row) => b[row] + w[2 * row] * x[kept[0]] + w[2 * row + 1] * x[kept[1]];
                z[changed[k]] = (x[changed[k]] - Output(2 * k)) * Math.Exp(-Output(2 * k + 1));
                total -= Output(2 * k + 1);
            }
            return total + StandardNormal(z.Select((value, i) => (value - loc[i]) * Math.Exp(-log[i])));
        }
        Agrees(json, Rows(4, 4), Expected);
    }

    [Theory]
    [InlineData(3, 1, 1)]
    [InlineData(1, 1, 1)]
    [InlineData(1, 2, 1)]
    [InlineData(3, 1, 4)]
    [InlineData(3, 2, 4)]
    public void Constant_affine_layers_and_bases_spread_over_images(int channels, int height, int width)
    {
        const int size = 3 * 2 * 4;
        string shape = $"[{channels}, {height}, {width}]";
        string json = $$$"""
            {"library": "normflows", "wrapper": "NormalizingFlow", "event_shape": [3, 2, 4],
             "base": {"type": "AffineGaussian", "args": {"shape": [3, 2, 4], "affine_shape": {{{shape}}}, "num_classes": null}, "key_prefix": "q0."},
             "flows": [{"type": "Composite", "key_prefix": "flows.0.", "args": {"flows": [{"type": "ActNorm", "args": {"shape": {{{shape}}}}, "key_prefix": "flows.0._flows.0."},
               {"type": "Permute", "args": {"num_channels": 3, "mode": "swap"}, "key_prefix": "flows.0._flows.1."}]}}]}
            """;
        double[] s = Random("flows.0._flows.0.s", 1, channels, height, width), t = Random("flows.0._flows.0.t", 1, channels, height, width);
        double[] scale = Random("q0.transform.s", 1, channels, height, width), shift = Random("q0.transform.t", 1, channels, height, width);
        Weights["flows.0._flows.0.data_dep_init_done"] = Tensor([1]);
        // A dimension of size 1 is repeated.
        int At(int i) => ((i / 8 % channels * height) + (i / 4 % 2 % height)) * width + i % 4 % width;
        double Expected(double[] x, double[] z)
        {
            // On the way to the latents the larger part of the channels moves to the back.
            double[] h = [.. x[16..], .. x[..16]];
            for (int i = 0; i < size; i++)
                z[i] = (h[i] - t[At(i)]) * Math.Exp(-s[At(i)]);
            return Enumerable.Range(0, size).Sum(i => -s[At(i)] - scale[At(i)]) + StandardNormal(z.Select((value, i) => (value - shift[At(i)]) * Math.Exp(-scale[At(i)])));
        }
        Agrees(json, Rows(3, size), Expected);
    }

    private static double[][] Rows(int count, int width) =>
        [.. Enumerable.Range(0, count).Select(row => Enumerable.Range(0, width).Select(i => Math.Sin(1 + 7.3 * row + 2.1 * i)).ToArray())];
}
