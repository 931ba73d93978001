using System.Runtime.InteropServices;
using FlowCore.Checkpoints;
namespace FlowCore.Tests.Golden;

/// <summary>Layers of which there is no golden model, with random weights, against their formulae number by number.</summary>
public sealed class SplineImportTests : ImportedLayers
{
    private const int Bins = 3;
    private const double Bound = 3, ScaleOfAngles = Math.PI / Bound;

    [Fact]
    public void Circular_layers_of_normflows_have_its_numbers()
    {
        // Listed from latents to data: features 0 and 2 are angles.
        const string json = """
            {"library": "normflows", "wrapper": "NormalizingFlow", "event_shape": [3],
             "base": {"type": "UniformGaussian", "args": {"ndim": 3, "ind": [0, 2]}, "key_prefix": "q0."},
             "flows": [
              {"type": "CircularAutoregressiveRationalQuadraticSpline", "key_prefix": "flows.0.", "args": {"num_input_channels": 3, "num_blocks": 1,
               "num_hidden_channels": 5, "ind_circ": [0, 2], "num_context_channels": null, "num_bins": 3, "tail_bound": 3, "activation": "relu", "permute_mask": false}},
              {"type": "CircularCoupledRationalQuadraticSpline", "key_prefix": "flows.1.", "args": {"num_input_channels": 3, "num_blocks": 1,
               "num_hidden_channels": 4, "ind_circ": [0, 2], "num_context_channels": null, "num_bins": 3, "tail_bound": 3.0, "activation": "relu", "reverse_mask": false}},
              {"type": "PeriodicWrap", "key_prefix": "flows.2.", "args": {"ind": [0, 2], "bound": 3.0}}]}
            """;
        Integers("q0.ind", 0, 2);
        Integers("q0.ind_", 1);
        Integers("q0.inv_perm", 0, 2, 1);
        Weights["q0.scale"] = Tensor([6, 1.5f, 6], 3);
        Func<double[], double[]> made = Made("flows.0.mprqat.autoregressive_net");
        Func<double[], double[]> net = Residual("flows.1.prqct.transform_net", outputs: 3 * Bins + 1);
        Integers("flows.1.prqct.identity_features", 0, 2);
        Integers("flows.1.prqct.transform_features", 1);
        Func<int, double[]> own = Unconditional("flows.1.prqct.unconditional_transform", Bins + 1);

        double Expected(double[] x, double[] z)
        {
            double[] at = [Wrapped(x[0]), x[1], Wrapped(x[2])];
            double[] raw = net([at[0], at[2]]);
            double total = 0;
            // Widths and heights are divided by the root of the hidden width; the unconditional ones are not.
            Spline(ref at[1], [.. raw[..(2 * Bins)].Select(value => value / 2), .. raw[(2 * Bins)..]], circular: false, ref total);
            for (int i = 0; i < 2; i++)
                Spline(ref at[2 * i], own(i), circular: true, ref total);
            double[] parameters = made(at);
            for (int i = 0; i < 3; i++)
                Spline(ref at[i], parameters[(i * (3 * Bins + 1))..((i + 1) * (3 * Bins + 1))], circular: i != 1, ref total);
            at.CopyTo(z, 0);
            return total - 2 * Math.Log(6) - 0.5 * Math.Pow(at[1] / 1.5, 2) - Math.Log(1.5) - 0.5 * Math.Log(2 * Math.PI);
        }
        Agrees(json, [[0.1, 0.2, -0.3], [2.99, -2.4, -2.99], [1.5, 5.5, 0.7], [-7.3, 0.4, 14.2], [3, -3, -3], [0, 0, 0]], Expected, compiled: false, on: (i, angle) => i == 1 ? angle : Wrapped(angle));
    }

    [Fact]
    public void Each_feature_of_a_circular_layer_may_have_a_bound_of_its_own()
    {
        // Features 0 and 2 are angles; the library scales the coupling's angles by the bounds at their places among the kept features.
        const string json = """
            {"library": "normflows", "wrapper": "NormalizingFlow", "event_shape": [3], "base": {"type": "DiagGaussian", "args": {"shape": [3]}, "key_prefix": "q0."},
             "flows": [
              {"type": "CircularAutoregressiveRationalQuadraticSpline", "key_prefix": "flows.0.", "args": {"num_input_channels": 3, "num_blocks": 1,
               "num_hidden_channels": 5, "ind_circ": [0, 2], "num_context_channels": null, "num_bins": 3, "tail_bound": [1.5, 2.5, 3.0], "activation": "relu", "permute_mask": false}},
              {"type": "CircularCoupledRationalQuadraticSpline", "key_prefix": "flows.1.", "args": {"num_input_channels": 3, "num_blocks": 1,
               "num_hidden_channels": 4, "ind_circ": [0, 2], "num_context_channels": null, "num_bins": 3, "tail_bound": [1.5, 2.5, 3.0], "activation": "relu", "reverse_mask": false}}]}
            """;
        double[] bounds = [1.5, 2.5, 3];
        double[] loc = Random("q0.loc", 1, 3), log = Random("q0.log_scale", 1, 3);
        Func<double[], double[]> made = Made("flows.0.mprqat.autoregressive_net", [Math.PI / 1.5, Math.PI / 3]);
        Weights["flows.0.mprqat.tail_bound"] = Tensor([1.5f, 2.5f, 3], 3);
        Func<double[], double[]> net = Residual("flows.1.prqct.transform_net", outputs: 3 * Bins + 1, scales: [Math.PI / 1.5, Math.PI / 2.5]);
        Weights["flows.1.prqct.tail_bound"] = Tensor([2.5f], 1);
        Weights["flows.1.prqct.unconditional_transform.tail_bound"] = Tensor([1.5f, 3], 2);
        Integers("flows.1.prqct.identity_features", 0, 2);
        Integers("flows.1.prqct.transform_features", 1);
        Func<int, double[]> own = Unconditional("flows.1.prqct.unconditional_transform", Bins + 1);

        double Expected(double[] x, double[] z)
        {
            double[] at = [.. x], raw = net([x[0], x[2]]);
            double total = -log.Sum();
            Spline(ref at[1], [.. raw[..(2 * Bins)].Select(value => value / 2), .. raw[(2 * Bins)..]], circular: false, ref total, bounds[1]);
            for (int i = 0; i < 2; i++)
                Spline(ref at[2 * i], own(i), circular: true, ref total, bounds[2 * i]);
            double[] parameters = made(at);
            for (int i = 0; i < 3; i++)
                Spline(ref at[i], parameters[(i * (3 * Bins + 1))..((i + 1) * (3 * Bins + 1))], circular: i != 1, ref total, bounds[i]);
            at.CopyTo(z, 0);
            return total + StandardNormal(z.Select((value, i) => (value - loc[i]) * Math.Exp(-log[i])));
        }
        Agrees(json, [[0.1, 0.2, -0.3], [1.4, -2.4, -2.9], [-1.5, 2.6, 3], [1.6, -7, 3.5], [0, 0, 0]], Expected, compiled: false);
    }

    [Theory]
    [InlineData("linear")]
    [InlineData(null)]
    public void A_plain_coupling_may_have_bounds_of_its_own_or_none(string? tails)
    {
        string json = $$"""
            {"library": "normflows", "wrapper": "NormalizingFlow", "event_shape": [3], "base": {"type": "Uniform", "args": {"shape": [3], "low": -4, "high": 4}, "key_prefix": "q0."},
             "flows": [{"type": "CoupledRationalQuadraticSpline", "key_prefix": "flows.1.", "args": {"num_input_channels": 3, "num_blocks": 1, "num_hidden_channels": 4,
               "num_context_channels": null, "num_bins": 3, "tails": {{(tails is null ? "null" : $"\"{tails}\"")}}, "tail_bound": [0.5, 2, 3], "activation": "relu", "reverse_mask": false} }]}
            """;
        int slopes = tails is null ? Bins + 1 : Bins - 1;
        Func<double[], double[]> net = Residual("flows.1.prqct.transform_net", outputs: 2 * Bins + slopes, periodic: false);
        Weights["flows.1.prqct.tail_bound"] = Tensor([2], 1);
        Weights["flows.1.prqct.unconditional_transform.tail_bound"] = Tensor([0.5f, 3], 2);
        Integers("flows.1.prqct.identity_features", 0, 2);
        Integers("flows.1.prqct.transform_features", 1);
        Func<int, double[]> own = Unconditional("flows.1.prqct.unconditional_transform", slopes);
        double Expected(double[] x, double[] z)
        {
            double[] raw = net([x[0], x[2]]);
            double total = -3 * Math.Log(8);
            x.CopyTo(z, 0);
            void Each(int i, double[] parameters, double bound)
            {
                if (tails is not null && Math.Abs(x[i]) > bound)
                    return;
                double[] ends = tails is null ? parameters[(2 * Bins)..] : [double.NaN, .. parameters[(2 * Bins)..], double.NaN];
                (z[i], double own) = ScalarSpline.At(x[i], parameters[..Bins], parameters[Bins..(2 * Bins)], ends, tails is null ? 0 : -bound, tails is null ? 1 : bound);
                total += own;
            }
            Each(1, [.. raw[..(2 * Bins)].Select(value => value / 2), .. raw[(2 * Bins)..]], 2);
            Each(0, own(0), 0.5);
            Each(2, own(1), 3);
            return total;
        }
        Agrees(json, tails is null ? [[0.1, 0.2, 0.9], [0.5, 0.99, 0.01]] : [[0.1, 0.2, 0.9], [0.5, -2, 3], [-0.4, 2.1, -2.5], [0.7, 1.9, 3.5]], Expected);
    }

    [Fact]
    public void A_spline_on_a_box_is_one_on_0_to_1_whatever_the_bound()
    {
        const string json = """
            {"library": "normflows", "wrapper": "NormalizingFlow", "event_shape": [3],
             "base": {"type": "Uniform", "args": {"shape": [3], "low": 0.0, "high": 1.0}, "key_prefix": "q0."},
             "flows": [
              {"type": "CoupledRationalQuadraticSpline", "key_prefix": "flows.1.", "args": {"num_input_channels": 3, "num_blocks": 1,
               "num_hidden_channels": 4, "num_context_channels": null, "num_bins": 3, "tails": null, "tail_bound": 3.0, "activation": "relu", "reverse_mask": false}}]}
            """;
        Func<double[], double[]> net = Residual("flows.1.prqct.transform_net", outputs: 3 * Bins + 1, periodic: false);
        Integers("flows.1.prqct.identity_features", 0, 2);
        Integers("flows.1.prqct.transform_features", 1);
        Func<int, double[]> own = Unconditional("flows.1.prqct.unconditional_transform", Bins + 1);
        double Expected(double[] x, double[] z)
        {
            double[] raw = net([x[0], x[2]]);
            double[] scaled = [.. raw.Take(2 * Bins).Select(value => value / 2)];
            (z[1], double total) = ScalarSpline.At(x[1], scaled[..Bins], scaled[Bins..], raw[(2 * Bins)..], 0, 1);
            for (int i = 0; i < 2; i++)
            {
                (z[2 * i], double logDerivative) = ScalarSpline.At(x[2 * i], own(i)[..Bins], own(i)[Bins..(2 * Bins)], own(i)[(2 * Bins)..], 0, 1);
                total += logDerivative;
            }
            return total;
        }
        Agrees(json, [[0.1, 0.2, 0.9], [0.5, 0.99, 0.01], [0, 1, 0.3]], Expected);
    }

    [Fact]
    public void A_reversed_composite_is_undone_layer_by_layer_and_an_affine_Gaussian_is_a_Gaussian()
    {
        const string json = """
            {"library": "normflows", "wrapper": "NormalizingFlow", "event_shape": [2],
             "base": {"type": "AffineGaussian", "args": {"shape": [2], "affine_shape": [2], "num_classes": null}, "key_prefix": "q0."},
             "flows": [{"type": "Reverse", "key_prefix": "flows.0.", "args": {"flow": {"type": "Composite", "key_prefix": "flows.0.flow.", "args": {"flows": [
              {"type": "AffineConstFlow", "key_prefix": "flows.0.flow._flows.0.", "args": {"shape": [2]}},
              {"type": "Permute", "key_prefix": "flows.0.flow._flows.1.", "args": {"num_channels": 2, "mode": "swap"}}]}}}}]}
            """;
        double[] t = Random("q0.transform.t", 1, 2), s = Random("q0.transform.s", 1, 2);
        double[] shift = Random("flows.0.flow._flows.0.t", 1, 2), scale = Random("flows.0.flow._flows.0.s", 1, 2);
        double Expected(double[] x, double[] z)
        {
            // Reverse: the way to the latents is the composite's own forward, x e^s + t, then the swap.
            (z[1], z[0]) = (x[0] * Math.Exp(scale[0]) + shift[0], x[1] * Math.Exp(scale[1]) + shift[1]);
            return scale.Sum() + Enumerable.Range(0, 2).Sum(i => -0.5 * Math.Pow((z[i] - t[i]) * Math.Exp(-s[i]), 2) - s[i] - 0.5 * Math.Log(2 * Math.PI));
        }
        Agrees(json, [[0.3, -1.2], [2, 5]], Expected);
    }

    private static double Wrapped(double angle) => angle + Bound - 2 * Bound * Math.Floor((angle + Bound) / (2 * Bound)) - Bound;

    private static void Spline(ref double x, double[] raw, bool circular, ref double logDet, double bound = Bound)
    {
        if (Math.Abs(x) > bound)
            return;
        double[] slopes = raw[(2 * Bins)..];
        slopes[^1] = circular ? slopes[0] : double.NaN;
        slopes[0] = circular ? slopes[0] : double.NaN;
        (x, double own) = ScalarSpline.At(x, raw[..Bins], raw[Bins..(2 * Bins)], slopes, -bound, bound);
        logDet += own;
    }

    // Two inputs, both angles where they are periodic; hidden width 4, one block.
    private Func<double[], double[]> Residual(string prefix, int outputs, bool periodic = true, double[]? scales = null)
    {
        double[]? angles = periodic ? Periodic(prefix, scales, 0, 1) : null;
        var (first, w0, w1, last) = (Linear($"{prefix}.initial_layer", 4, 2), Linear($"{prefix}.blocks.0.linear_layers.0", 4, 4), Linear($"{prefix}.blocks.0.linear_layers.1", 4, 4), Linear($"{prefix}.final_layer", outputs, 4));
        return x =>
        {
            double[] h = first(angles is null ? x : [Wave(x[0], angles, 0, scales), Wave(x[1], angles, 1, scales)]);
            double[] update = w1(Relu(w0(Relu(h))));
            return last([.. h.Zip(update, (a, b) => a + b)]);
        };
    }

    // Three inputs, of which 0 and 2 are angles; hidden width 5, one block.
    private Func<double[], double[]> Made(string prefix, double[]? scales = null)
    {
        double[] angles = Periodic(prefix, scales, 0, 2);
        int[] inputs = [1, 2, 3], hidden = [.. Enumerable.Range(0, 5).Select(k => k % 2 + 1)];
        int[] outputs = [.. inputs.SelectMany(degree => Enumerable.Repeat(degree, 3 * Bins + 1))];
        var first = Linear($"{prefix}.initial_layer", 5, 3, Mask(hidden, inputs, strict: false));
        var w0 = Linear($"{prefix}.blocks.0.linear_layers.0", 5, 5, Mask(hidden, hidden, strict: false));
        var w1 = Linear($"{prefix}.blocks.0.linear_layers.1", 5, 5, Mask(hidden, hidden, strict: false));
        var last = Linear($"{prefix}.final_layer", outputs.Length, 5, Mask(outputs, hidden, strict: true));
        return x =>
        {
            double[] h = first([Wave(x[0], angles, 0, scales), x[1], Wave(x[2], angles, 1, scales)]);
            double[] update = w1(Relu(w0(Relu(h))));
            return last([.. h.Zip(update, (a, b) => a + b)]);
        };
    }

    private double[] Periodic(string prefix, double[]? scales, params int[] angles)
    {
        if (scales is not null)
            Weights[$"{prefix}.preprocessing.scale"] = new(WeightType.F64, [2], MemoryMarshal.AsBytes(scales.AsSpan()).ToArray());
        Integers($"{prefix}.preprocessing.ind", angles);
        Integers($"{prefix}.preprocessing.ind_", [.. Enumerable.Range(0, angles[^1] + 1).Except(angles)]);
        Integers($"{prefix}.preprocessing.inv_perm", [.. Enumerable.Range(0, angles[^1] + 1)]);
        return Random($"{prefix}.preprocessing.weights", 2, 2);
    }

    private static double Wave(double x, double[] weights, int i, double[]? scales)
    {
        double turn = (scales?[i] ?? ScaleOfAngles) * x;
        return weights[2 * i] * Math.Sin(turn) + weights[2 * i + 1] * Math.Cos(turn);
    }

    // The raw parameters of the kept features, of which there are two.
    private Func<int, double[]> Unconditional(string prefix, int slopes)
    {
        double[] w = Random($"{prefix}.unnormalized_widths", 2, Bins), h = Random($"{prefix}.unnormalized_heights", 2, Bins), d = Random($"{prefix}.unnormalized_derivatives", 2, slopes);
        return i => [.. w[(i * Bins)..((i + 1) * Bins)], .. h[(i * Bins)..((i + 1) * Bins)], .. d[(i * slopes)..((i + 1) * slopes)]];
    }

    private Func<double[], double[]> Linear(string prefix, int outputs, int inputs, float[]? mask = null)
    {
        double[] weight = Random($"{prefix}.weight", outputs, inputs), bias = [.. Random($"{prefix}.bias", 1, outputs)];
        Weights[$"{prefix}.bias"] = Weights[$"{prefix}.bias"] with { Shape = [outputs] };
        if (mask is not null)
            Weights[$"{prefix}.mask"] = Tensor(mask, outputs, inputs);
        return x => [.. Enumerable.Range(0, outputs).Select(i => bias[i] + Enumerable.Range(0, inputs).Sum(j => weight[i * inputs + j] * (mask?[i * inputs + j] ?? 1) * x[j]))];
    }

    private static float[] Mask(int[] outputs, int[] inputs, bool strict) =>
        [.. outputs.SelectMany(o => inputs.Select(i => (strict ? o > i : o >= i) ? 1f : 0f))];

    private static double[] Relu(double[] h) => [.. h.Select(value => Math.Max(0, value))];
}
