namespace FlowCore.Tests.Golden;

/// <summary>Networks, scales and maps that users put into a flow of nflows or zuko, each against its formula.</summary>
public sealed class NetworkImportTests : ImportedLayers
{
    private static readonly double[][] Data = [[0.3, -0.7], [1.1, 0.4], [-1.6, 2.2], [0.02, -0.9]];

    [Fact]
    public void A_network_is_a_list_of_layers_and_each_is_computed()
    {
        double[] w1 = Random("t.net.0.weight", 3, 1), b1 = Random("t.net.0.bias", 3), gain = Random("t.net.1.weight", 3), add = Random("t.net.1.bias", 3);
        double[] scale = Random("t.net.3.weight", 3), shift = Random("t.net.3.bias", 3), mean = Random("t.net.3.running_mean", 3);
        double[] variance = Positive("t.net.3.running_var", 3), w2 = Random("t.net.4.weight", 2, 3), b2 = Random("t.net.4.bias", 2);
        Coupling("""
            {"type": "sequential", "prefix": "t.net", "layers": [
              {"type": "linear", "prefix": "t.net.0"}, {"type": "layer_norm", "prefix": "t.net.1", "width": 3, "eps": 1e-5, "affine": true},
              {"type": "mish"}, {"type": "batch_norm", "prefix": "t.net.3", "eps": 1e-5}, {"type": "mish"}, {"type": "linear", "prefix": "t.net.4"}]}
            """, """{"map": "exp", "factor": 1, "slope": 1, "offset": 0, "least": 0, "most": null}""", kept =>
        {
            double[] h = [.. w1.Select((w, i) => w * kept + b1[i])];
            double centre = h.Average(), spread = h.Average(value => (value - centre) * (value - centre));
            h = [.. h.Select((value, i) => Mish((value - centre) / Math.Sqrt(spread + 1e-5) * gain[i] + add[i]))];
            h = [.. h.Select((value, i) => Mish((value - mean[i]) / Math.Sqrt(variance[i] + 1e-5) * scale[i] + shift[i]))];
            return (Dot(w2, h, 0) + b2[0], Dot(w2, h, 1) + b2[1]);
        }, Math.Exp);
    }

    [Theory]
    [InlineData("relu")]
    [InlineData("elu(alpha=0.5)")]
    public void An_activation_that_writes_over_its_input_changes_what_a_block_adds_to(string activation)
    {
        double[] w0 = Random("t.net.initial_layer.weight", 3, 1), b0 = Random("t.net.initial_layer.bias", 3);
        double[] w1 = Random("t.net.blocks.0.linear_layers.0.weight", 3, 3), b1 = Random("t.net.blocks.0.linear_layers.0.bias", 3);
        double[] w2 = Random("t.net.blocks.0.linear_layers.1.weight", 3, 3), b2 = Random("t.net.blocks.0.linear_layers.1.bias", 3);
        double[] w3 = Random("t.net.final_layer.weight", 2, 3), b3 = Random("t.net.final_layer.bias", 2);
        double Act(double value) => value > 0 ? value : activation == "relu" ? 0 : 0.5 * (Math.Exp(value) - 1);
        Coupling($$"""
            {"type": "residual_net", "prefix": "t.net", "num_blocks": 1, "context": 0, "activation": "{{activation}}", "inplace": true}
            """, """{"map": "sigmoid", "factor": 2, "slope": 1, "offset": 0, "least": 0, "most": null}""", kept =>
        {
            double[] h = [.. w0.Select((w, i) => Act(w * kept + b0[i]))]; // what the skip adds to
            double[] inner = [.. Enumerable.Range(0, 3).Select(i => Act(Dot(w1, h, i) + b1[i]))];
            h = [.. h.Select((value, i) => value + Dot(w2, inner, i) + b2[i])];
            return (Dot(w3, h, 0) + b3[0], Dot(w3, h, 1) + b3[1]);
        }, a => 2 / (1 + Math.Exp(-a)));
    }

    [Fact]
    public void The_scale_log_N_is_exp_of_a_tanh()
    {
        double[] w = Random("t.net.0.weight", 2, 1), b = Random("t.net.0.bias", 2);
        Coupling("""{"type": "sequential", "prefix": "t.net", "layers": [{"type": "linear", "prefix": "t.net.0"}]}""",
            """{"map": "tanh", "factor": 3, "slope": 0.5, "offset": 0, "least": 0, "most": null}""",
            kept => (w[0] * kept + b[0], w[1] * kept + b[1]), a => Math.Exp(6 * (1 / (1 + Math.Exp(-a)) - 0.5)));
    }

    [Theory]
    [InlineData("exp", 0.0, 1e9)]
    [InlineData("sigmoid", 0.0, 1.0)]
    [InlineData("tanh", -1.0, 1.0)]
    public void A_bounded_map_leads_from_its_range_and_back(string function, double lower, double upper)
    {
        string json = $$"""
            {"library": "zuko", "event_size": 2, "structure": {"base": {"type": "box_uniform", "tensors": ["low", "high"]}, "transform":
              {"type": "inverse", "prefix": "t", "transform": {"type": "pointwise", "prefix": "t.transform", "steps": [
                {"function": "{{function}}"}, {"function": "affine", "loc": [0.5], "scale": [2, 3]} ]} } } }
            """;
        Weights["low"] = Tensor([-100, -100], 2);
        Weights["high"] = Tensor([100, 100], 2);
        double[][] inside = [[0.3, 0.7], [0.01, 0.99]];
        double[] scale = [2, 3];
        Agrees(json, [.. inside.Select(row => row.Select((value, i) => value * scale[i] + 0.5).ToArray())], (x, z) =>
        {
            double logDet = -2 * Math.Log(200);
            for (int i = 0; i < 2; i++)
            {
                double y = (x[i] - 0.5) / scale[i];
                Assert.InRange(y, lower, upper);
                z[i] = function switch { "exp" => Math.Log(y), "sigmoid" => Math.Log(y / (1 - y)), _ => Math.Atanh(y) };
                logDet -= Math.Log(scale[i]) + Math.Log(function switch { "exp" => y, "sigmoid" => y * (1 - y), _ => 1 - y * y });
            }
            return logDet;
        });
    }

    [Fact]
    public void The_linear_layers_of_zuko_are_matrices()
    {
        double[] lu = Random("t.transforms.0.LU", 2, 2), shift = Random("t.transforms.1.shift", 2);
        Integers("t.transforms.2.order", 1, 0);
        Weights["loc"] = Tensor([0, 0], 2);
        Weights["scale"] = Tensor([1, 1], 2);
        Agrees("""
            {"library": "zuko", "event_size": 2, "structure": {"base": {"type": "diag_normal", "tensors": ["loc", "scale"]}, "transform":
              {"type": "composed", "prefix": "t", "layers": [
                {"type": "unconditional", "prefix": "t.transforms.0", "function": "LULinearTransform", "tensors": ["LU"]},
                {"type": "unconditional", "prefix": "t.transforms.1", "function": "AdditiveTransform", "tensors": ["shift"]},
                {"type": "unconditional", "prefix": "t.transforms.2", "function": "PermutationTransform", "tensors": ["order"]}]}}}
            """, Data, (x, z) =>
        {
            double inner = x[0] + lu[1] * x[1];
            (z[1], z[0]) = (lu[0] * inner + shift[0], lu[2] * inner + lu[3] * x[1] + shift[1]);
            return StandardNormal(z) + Math.Log(Math.Abs(lu[0] * lu[3]));
        });
    }

    /// <summary>A coupling of nflows that keeps the first of two features.</summary>
    private void Coupling(string net, string scale, Func<double, (double Shift, double Raw)> network, Func<double, double> of)
    {
        Agrees($$"""
            {"library": "nflows", "event_size": 2, "structure": {"base": {"type": "standard_normal"}, "transform":
              {"type": "affine_coupling", "prefix": "t", "identity_features": [0], "transform_features": [1], "net": {{net}}, "scale": {{scale}} } } }
            """, Data, (x, z) =>
        {
            (double shift, double raw) = network(x[0]);
            (z[0], z[1]) = (x[0], x[1] * of(raw) + shift);
            return StandardNormal(z) + Math.Log(of(raw));
        });
    }

    private double[] Positive(string key, int count)
    {
        float[] values = [.. Random(key, count).Select(value => (float)Math.Exp(value))];
        Weights[key] = Tensor(values, count);
        return [.. values.Select(value => (double)value)];
    }

    private static double Mish(double x) => x * Math.Tanh(Math.Log(1 + Math.Exp(x)));

    private static double Dot(double[] matrix, double[] h, int row) => h.Select((value, i) => matrix[row * h.Length + i] * value).Sum();
}
