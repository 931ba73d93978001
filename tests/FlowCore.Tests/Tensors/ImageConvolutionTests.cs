using FlowCore.Tensors;
using static TorchSharp.torch;

namespace FlowCore.Tests.Tensors;

/// <summary>Float32 is float64 to its last digits, whatever the shape: libtorch's own kernel is not, for 24 channels.</summary>
public sealed class ImageConvolutionTests
{
    [Fact]
    public void Float32_agrees_with_float64_for_every_number_of_channels_and_so_do_its_gradients()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        foreach (int channels in (int[])[1, 2, 3, 8, 12, 15, 16, 17, 24, 31, 32, 33, 40, 48, 63, 64])
            foreach (int outputs in (int[])[1, 4, 8, 12, 16, 24, 32, 40])
                foreach (int side in (int[])[2, 4, 8])
                    foreach (int kernel in (int[])[1, 3])
                        Check(side == 4 ? 32 : 2, channels, outputs, side, kernel, generator);
    }

    [Fact]
    public void It_is_the_sum_over_the_patch()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(2);
        double[] x = Values(2 * 3 * 4 * 5, generator), w = Values(2 * 3 * 3 * 3, generator), b = [0.5, -1];
        Tensor y = ImageConvolution.Of(tensor(x).reshape(2, 3, 4, 5), tensor(w).reshape(2, 3, 3, 3), tensor(b), padding: 1);

        Assert.Equal([2, 2, 4, 5], y.shape);
        for (int n = 0; n < 2; n++)
            for (int o = 0; o < 2; o++)
                for (int i = 0; i < 4; i++)
                    for (int j = 0; j < 5; j++)
                        Assert.Equal(Sum(x, w, n, o, i, j) + b[o], y[n, o, i, j].item<double>(), 1e-12);
    }

    private static void Check(int batch, int channels, int outputs, int side, int kernel, Generator generator)
    {
        using var scope = NewDisposeScope();
        Tensor x = randn([batch, channels, side, side], dtype: float64, generator: generator);
        Tensor w = randn([outputs, channels, kernel, kernel], dtype: float64, generator: generator), b = randn([outputs], dtype: float64, generator: generator);
        Tensor[] exact = WithGradients(x, w, b, float64), near = WithGradients(x, w, b, float32);
        for (int i = 0; i < exact.Length; i++)
        {
            double difference = ((exact[i] - near[i].to(float64)).abs().max() / exact[i].abs().max()).item<double>();
            Assert.True(difference < 1e-4, $"{"yxw"[i]}: {batch} x {channels} to {outputs} channels of {side} x {side}, kernel {kernel}: off by {difference}");
        }
    }

    // The images, and the gradients of the sum of their squares by x and by w.
    private static Tensor[] WithGradients(Tensor x, Tensor w, Tensor b, ScalarType type)
    {
        Tensor rows = x.to(type).detach().requires_grad_(true), weights = w.to(type).detach().requires_grad_(true);
        Tensor y = ImageConvolution.Of(rows, weights, b.to(type), weights.shape[2] / 2);
        (y * y).sum().backward();
        return [y.detach(), rows.grad!, weights.grad!];
    }

    private static double Sum(double[] x, double[] w, int n, int o, int i, int j)
    {
        double sum = 0;
        for (int c = 0; c < 3; c++)
            for (int di = -1; di <= 1; di++)
                for (int dj = -1; dj <= 1; dj++)
                    if (i + di is >= 0 and < 4 && j + dj is >= 0 and < 5)
                        sum += x[((n * 3 + c) * 4 + i + di) * 5 + j + dj] * w[((o * 3 + c) * 3 + di + 1) * 3 + dj + 1];
        return sum;
    }

    private static double[] Values(int count, Generator generator)
    {
        using Tensor drawn = randn([count], dtype: float64, generator: generator);
        return drawn.data<double>().ToArray();
    }
}
