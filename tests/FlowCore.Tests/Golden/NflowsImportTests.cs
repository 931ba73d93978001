namespace FlowCore.Tests.Golden;

/// <summary>nflows' linear layers, bases and one-dimensional splines, of which there is no golden model, against plain arithmetic.</summary>
public sealed class NflowsImportTests : ImportedLayers
{
    private const int D = 3;
    private static readonly double[][] Rows = [[0.3, -1.2, 2], [0, 0, 0], [-2.5, 0.7, 0.1], [4, -4, 9]];

    [Fact]
    public void A_QR_layer_is_a_triangle_then_reflections()
    {
        double[] upper = Random("t.upper_entries", 3), diagonal = Random("t.log_upper_diag", D), bias = Random("t.bias", D), q = Random("t.orthogonal.q_vectors", 2, D);
        double Expected(double[] x, double[] z)
        {
            double[] h =
            [
                Math.Exp(diagonal[0]) * x[0] + upper[0] * x[1] + upper[1] * x[2], Math.Exp(diagonal[1]) * x[1] + upper[2] * x[2], Math.Exp(diagonal[2]) * x[2],
            ];
            Add(Reflected(h, q), bias).CopyTo(z, 0);
            return diagonal.Sum() + StandardNormal(z);
        }
        Agrees(Flow("""{"type": "qr_linear", "prefix": "t"}"""), Rows, Expected);
    }

    [Fact]
    public void An_SVD_layer_reflects_scales_and_reflects()
    {
        double[] raw = Random("t.unconstrained_diagonal", D), bias = Random("t.bias", D), first = Random("t.orthogonal_2.q_vectors", 4, D), second = Random("t.orthogonal_1.q_vectors", 4, D);
        double[] scale = [.. raw.Select(value => Math.Log(1 + Math.Exp(value)) + 0.01)];
        double Expected(double[] x, double[] z)
        {
            Add(Reflected([.. Reflected(x, first).Zip(scale, (value, factor) => value * factor)], second), bias).CopyTo(z, 0);
            return scale.Sum(Math.Log) + StandardNormal(z);
        }
        Agrees(Flow("""{"type": "svd_linear", "prefix": "t", "eps": 0.01}"""), Rows, Expected);
    }

    [Fact]
    public void A_naive_layer_is_its_matrix_and_an_inverse_transform_the_way_back()
    {
        double[] weight = Random("a._weight", D, D), bias = Random("a.bias", D), q = Random("b._transform.q_vectors", 3, D);
        double determinant = weight[0] * (weight[4] * weight[8] - weight[5] * weight[7]) - weight[1] * (weight[3] * weight[8] - weight[5] * weight[6]) + weight[2] * (weight[3] * weight[7] - weight[4] * weight[6]);
        double Expected(double[] x, double[] z)
        {
            double[] h = Add([.. Enumerable.Range(0, D).Select(i => Enumerable.Range(0, D).Sum(j => weight[i * D + j] * x[j]))], bias);
            // Backwards, the last reflection comes first.
            Reflected(h, [.. q[6..9], .. q[3..6], .. q[..3]]).CopyTo(z, 0);
            return Math.Log(Math.Abs(determinant)) + StandardNormal(z);
        }
        Agrees(Flow("""{"type": "composite", "layers": [{"type": "naive_linear", "prefix": "a"}, {"type": "inverse", "transform": {"type": "householder", "prefix": "b._transform"}}]}"""), Rows, Expected);
    }

    [Fact]
    public void A_spline_of_its_own_and_a_diagonal_base_have_their_numbers()
    {
        double[] w = Random("t.unnormalized_widths", D, 2), h = Random("t.unnormalized_heights", D, 2), d = Random("t.unnormalized_derivatives", D, 1);
        double[] mean = Random("_distribution.mean_", 1, D), log = Random("_distribution.log_std_", 1, D);
        double Expected(double[] x, double[] z)
        {
            double total = -log.Sum();
            for (int i = 0; i < D; i++)
            {
                z[i] = x[i];
                if (Math.Abs(x[i]) > 4)
                    continue;
                (z[i], double own) = ScalarSpline.At(x[i], w[(2 * i)..(2 * i + 2)], h[(2 * i)..(2 * i + 2)], [double.NaN, d[i], double.NaN], -4, 4);
                total += own;
            }
            return total + StandardNormal(z.Select((value, i) => (value - mean[i]) * Math.Exp(-log[i])));
        }
        Agrees(Flow("""{"type": "rqs_cdf", "prefix": "t", "bins": 2, "tails": "linear", "tail_bound": 4.0}""", """{"type": "diagonal_normal", "prefix": "_distribution"}"""), Rows, Expected);
    }

    [Fact]
    public void One_feature_alone_takes_its_spline_and_its_base_from_the_context()
    {
        // sbi's network for a single parameter; the base's encoder is one linear layer.
        const string json = """
            {"library": "nflows", "event_size": 1, "context_size": 2, "structure": {"embedding": null,
             "base": {"type": "conditional_diagonal_normal", "prefix": "_distribution", "encoder": {"layers": [{"type": "linear", "prefix": "_distribution._context_encoder"}]}},
             "transform": {"type": "rqs_coupling", "prefix": "t", "identity_features": [], "transform_features": [0], "unconditional": null,
              "spline": {"type": "rqs", "bins": 2, "tails": "linear", "tail_bound": 3.0, "softmax_scale_divisor_sqrt_of": 4},
              "net": {"type": "context_spline_map", "prefix": "t.transform_net", "layers": [{"type": "linear", "prefix": "t.transform_net.spline_predictor.0"},
               {"type": "relu"}, {"type": "linear", "prefix": "t.transform_net.spline_predictor.2"}]}}}}
            """;
        double[] w0 = Random("t.transform_net.spline_predictor.0.weight", 4, 2), b0 = Random("t.transform_net.spline_predictor.0.bias", 4);
        double[] w1 = Random("t.transform_net.spline_predictor.2.weight", 5, 4), b1 = Random("t.transform_net.spline_predictor.2.bias", 5);
        double[] w = Random("_distribution._context_encoder.weight", 2, 2), b = Random("_distribution._context_encoder.bias", 2);
        Integers("t.identity_features");
        Integers("t.transform_features", 0);
        double[] context = [0.4, -1.3];
        double Expected(double[] x, double[] z)
        {
            double[] hidden = [.. Linear(w0, b0, context).Select(value => Math.Max(0, value))], raw = Linear(w1, b1, hidden), normal = Linear(w, b, context);
            // Widths and heights are divided by the root of the hidden width.
            (z[0], double logDerivative) = ScalarSpline.At(x[0], [raw[0] / 2, raw[1] / 2], [raw[2] / 2, raw[3] / 2], [double.NaN, raw[4], double.NaN], -3, 3);
            return logDerivative - normal[1] + StandardNormal([(z[0] - normal[0]) * Math.Exp(-normal[1])]);
        }
        Agrees(json, [[0.3], [-2.9], [1.1]], Expected, context: context);
    }

    [Theory]
    [InlineData("affine_coupling")]
    [InlineData("additive_coupling")]
    public void A_coupling_sends_what_it_keeps_through_a_spline_behind_its_network(string type)
    {
        bool scales = type == "affine_coupling";
        string transform = $$$"""
            {"type": "{{{type}}}", "prefix": "t", "identity_features": [0, 2], "transform_features": [1], "scale": "sigmoid(a+2)+1e-3",
             "net": {"type": "residual_net", "prefix": "t.transform_net", "num_blocks": 0, "activation": "relu", "context": 0, "batch_norm": false},
             "unconditional": {"type": "rqs_cdf", "prefix": "t.unconditional_transform", "bins": 2, "tails": "linear", "tail_bound": 4.0}}
            """;
        int outputs = scales ? 2 : 1;
        double[] w0 = Random("t.transform_net.initial_layer.weight", 5, 2), b0 = Random("t.transform_net.initial_layer.bias", 5);
        double[] w1 = Random("t.transform_net.final_layer.weight", outputs, 5), b1 = Random("t.transform_net.final_layer.bias", outputs);
        double[] w = Random("t.unconditional_transform.unnormalized_widths", 2, 2), h = Random("t.unconditional_transform.unnormalized_heights", 2, 2);
        double[] d = Random("t.unconditional_transform.unnormalized_derivatives", 2, 1);
        Integers("t.identity_features", 0, 2);
        Integers("t.transform_features", 1);
        double Expected(double[] x, double[] z)
        {
            double[] raw = Linear(w1, b1, Linear(w0, b0, [x[0], x[2]]));
            double scale = scales ? 1 / (1 + Math.Exp(-raw[1] - 2)) + 1e-3 : 1, total = Math.Log(scale);
            z[1] = x[1] * scale + raw[0];
            for (int i = 0; i < 2; i++)
            {
                z[2 * i] = x[2 * i];
                if (Math.Abs(x[2 * i]) > 4)
                    continue;
                (z[2 * i], double own) = ScalarSpline.At(x[2 * i], w[(2 * i)..(2 * i + 2)], h[(2 * i)..(2 * i + 2)], [double.NaN, d[i], double.NaN], -4, 4);
                total += own;
            }
            return total + StandardNormal(z);
        }
        Agrees(Flow(transform), Rows, Expected);
    }

    private static string Flow(string transform, string density = """{"type": "standard_normal"}""") =>
        $$"""{"library": "nflows", "event_size": {{D}}, "context_size": 0, "structure": {"transform": {{transform}}, "base": {{density}}, "embedding": null} }""";

    private static double[] Linear(double[] weight, double[] bias, double[] x) =>
        [.. bias.Select((offset, row) => offset + x.Select((value, column) => weight[row * x.Length + column] * value).Sum())];

    private static double[] Add(double[] a, double[] b) => [.. a.Zip(b, (x, y) => x + y)];

    private static double[] Reflected(double[] x, double[] vectors)
    {
        for (int k = 0; k < vectors.Length; k += D)
        {
            double[] v = vectors[k..(k + D)];
            double share = 2 * x.Zip(v, (a, b) => a * b).Sum() / v.Sum(a => a * a);
            x = [.. x.Zip(v, (a, b) => a - share * b)];
        }
        return x;
    }
}
