using FlowCore.Engines.Compiled;
using FlowCore.Engines.Gpu;
using FlowCore.Tests.Engines;

namespace FlowCore.Tests.Gpu;

/// <summary>What TF32 costs, where it is allowed: log densities beside those of float64, with inputs rounded as a tensor core rounds them.</summary>
public sealed class Tf32Tests(ITestOutputHelper output)
{
    private const int Rows = 200;

    // The error is that of the rounding to 10 bits: far from float32's, and not much more.
    [Theory]
    [InlineData("normflows/realnvp_masked", 1e-3, 2e-2)]
    [InlineData("zuko/nsf_5d", 1e-3, 1e-1)]
    public void The_error_is_that_of_ten_bits(string name, double least, double most)
    {
        using var exact = new CompiledEngine<double>(CompiledModels.Checkpoint(name));
        using var rounded = new GpuEngine<float>(CompiledModels.Checkpoint(name), StandIn.OrDevice with { AllowTf32 = true });
        using var single = new CompiledEngine<float>(CompiledModels.Checkpoint(name));
        int rows = exact.Width > 16 ? Rows / 4 : Rows;
        var (x, context, _) = CompiledModels.Rows(exact, rows);
        float[] narrow = Array.ConvertAll(x, value => (float)value), given = Array.ConvertAll(context, value => (float)value);
        double[] expected = new double[rows];
        exact.Forward(x, context, [], new double[rows], expected);
        double[] Errors(float[] logProb) => [.. logProb.Select((value, i) => Math.Abs(value - expected[i])).Order()];
        float[] fast = new float[rows], usual = new float[rows], alone = new float[1];
        rounded.Forward(narrow, given, [], new float[rows], fast);
        single.Forward(narrow, given, [], new float[rows], usual);
        double[] errors = Errors(fast), usualErrors = Errors(usual);
        output.WriteLine($"{name}: nats off float64 in TF32 {errors[rows / 2]:g2} in the median, {errors[^1]:g2} at most; in float32 {usualErrors[rows / 2]:g2}, {usualErrors[^1]:g2}");
        Assert.InRange(errors[^1], least, most);
        Assert.True(errors[rows / 2] > 20 * usualErrors[rows / 2], "the tensor cores are not used");
        // A row's bits do not depend on its batch here either.
        rounded.Forward(narrow.AsSpan(0, exact.Width), given.AsSpan(0, exact.ContextWidth), [], new float[1], alone);
        Assert.Equal(fast[0], alone[0]);
    }
}
