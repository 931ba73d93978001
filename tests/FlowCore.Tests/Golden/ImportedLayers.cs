using System.Runtime.InteropServices;
using System.Text;
using FlowCore.Checkpoints;
using FlowCore.Densities;
using FlowCore.Engines;
using FlowCore.Engines.Compiled;
using FlowCore.Interop;

namespace FlowCore.Tests.Golden;

/// <summary>Layers of which there is no golden model: random weights under the library's keys, compared with its formulae, number by number.</summary>
public abstract class ImportedLayers
{
    private ulong seed;

    internal Dictionary<string, WeightTensor> Weights { get; } = new(StringComparer.Ordinal);

    /// <summary>Imports a description with the weights that were made, and compares both engines with the formulae on some rows.</summary>
    /// <param name="json">The description.</param>
    /// <param name="rows">Rows of data.</param>
    /// <param name="expected">The latent, written into the second argument, and the log-density.</param>
    /// <param name="compiled">Whether the compiled engine runs it, too.</param>
    /// <param name="context">The context of every row.</param>
    /// <param name="on">What a feature is given back as: an angle within its circle.</param>
    protected void Agrees(string json, double[][] rows, Func<double[], double[], double> expected, bool compiled = true, double[]? context = null, Func<int, double, double>? on = null)
    {
        Checkpoint checkpoint = ForeignModel.Import(Encoding.UTF8.GetBytes(json), Weights, "test");
        using (var torch = new TorchEngine<double>(checkpoint.BuildFlow()))
            Agrees(torch, rows, expected, context, on);
        if (!compiled)
            return;
        using var engine = new CompiledEngine<double>(checkpoint);
        Agrees(engine, rows, expected, context, on);
    }

    /// <summary>A tensor of small random numbers, which are returned as well.</summary>
    protected double[] Random(string key, params int[] shape)
    {
        var noise = new double[shape.Aggregate(1, (product, size) => product * size)];
        Noise.FillNormal(seed++, 0, noise.Length, noise.AsSpan());
        float[] values = [.. noise.Select(value => (float)value / 2)]; // no spline all but flat
        Weights[key] = Tensor(values, [.. shape.Select(size => (long)size)]);
        return [.. values.Select(value => (double)value)];
    }

    protected void Integers(string key, params int[] values) => Weights[key] =
        new(WeightType.I64, [values.Length], MemoryMarshal.AsBytes(values.Select(value => (long)value).ToArray().AsSpan()).ToArray());

    internal static WeightTensor Tensor(float[] values, params long[] shape) => new(WeightType.F32, shape, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

    /// <summary>An image through a convolution, surrounded by zeros: weights [outputs, channels, side, side].</summary>
    protected static double[] Convolved(double[] weights, double[] bias, int side, int height, int width, double[] x)
    {
        int pixels = height * width, channels = x.Length / pixels;
        var outputs = new double[bias.Length * pixels];
        for (int at = 0; at < outputs.Length; at++)
        {
            int output = at / pixels, row = at / width % height, column = at % width;
            outputs[at] = bias[output];
            for (int tap = 0; tap < channels * side * side; tap++)
            {
                int channel = tap / (side * side), i = row + tap / side % side - side / 2, j = column + tap % side - side / 2;
                if (i >= 0 && i < height && j >= 0 && j < width)
                    outputs[at] += weights[output * channels * side * side + tap] * x[(channel * height + i) * width + j];
            }
        }
        return outputs;
    }

    /// <summary>ln N(z; 0, 1), summed.</summary>
    protected static double StandardNormal(IEnumerable<double> z) => z.Sum(value => -0.5 * value * value - 0.5 * Math.Log(2 * Math.PI));

    private static void Agrees(FlowEngine<double> engine, double[][] rows, Func<double[], double[], double> expected, double[]? context, Func<int, double, double>? on)
    {
        int width = engine.Width, count = rows.Length;
        double[] x = [.. rows.SelectMany(row => row)], z = new double[x.Length], logDet = new double[count], logProb = new double[count], back = new double[x.Length];
        double[] condition = context is null ? [] : [.. rows.SelectMany(_ => context)];
        engine.Forward(x, condition, z, logDet, logProb);
        engine.Inverse(z, condition, back, new double[count], new double[count]);
        for (int row = 0; row < count; row++)
        {
            var latent = new double[width];
            Assert.Equal(expected(rows[row], latent), logProb[row], 1e-11);
            for (int i = 0; i < width; i++)
            {
                Assert.Equal(latent[i], z[row * width + i], 1e-11);
                Assert.Equal(on?.Invoke(i, rows[row][i]) ?? rows[row][i], back[row * width + i], 1e-9);
            }
        }
    }
}
