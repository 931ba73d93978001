using FlowCore.Calibration;
using FlowCore.Densities;

namespace FlowCore.Tests.Calibration;

public sealed class ConformalScaleTests(ITestOutputHelper output)
{
    [Fact]
    public void The_p_value_counts_the_calibration_rows_at_least_as_strange()
    {
        var scale = new ConformalScale(ScoreKind.LogProb, [-1, -2, -3, -4]);

        Assert.Equal(4, scale.Count);
        Assert.Equal(0.2, scale.LeastPValue);
        Assert.Equal([1, 1, 0.8, 0.6, 0.2, 0.2], new[] { 0, -0.5, -1.5, -2.5, -4.5, double.NegativeInfinity }.Select(scale.PValue), (a, b) => Math.Abs(a - b) < 1e-12);
    }

    [Fact]
    public void Latents_are_stranger_the_longer_they_are()
    {
        var scale = new ConformalScale(ScoreKind.LatentNorm2, [1, 2, 3, 4]);

        Assert.Equal(1, scale.PValue(0.5));
        Assert.Equal(0.2, scale.PValue(4.5));
        Assert.Equal(0.2, scale.PValue(double.PositiveInfinity));
    }

    [Fact]
    public void A_tie_counts_as_strange_and_so_does_a_difference_in_the_last_digits()
    {
        var scale = new ConformalScale(ScoreKind.LogProb, [-1, -2, -2, -2, -3]);

        Assert.Equal(5.0 / 6, scale.PValue(-2));
        Assert.Equal(scale.PValue(-2), scale.PValue(-2.00004));
        Assert.Equal(scale.PValue(-2), scale.PValue(-1.99996));
    }

    [Fact]
    public void What_is_no_number_is_as_strange_as_anything()
    {
        var scale = new ConformalScale(ScoreKind.LogProb, [-1, double.NegativeInfinity]);

        Assert.Equal(2.0 / 3, scale.PValue(double.NaN)); // the calibration has as strange a row itself
        Assert.Equal(2.0 / 3, scale.PValue(double.NegativeInfinity));
        Assert.Equal(1, scale.PValue(double.PositiveInfinity));
    }

    [Theory, InlineData(0.01, 99), InlineData(0.05, 19), InlineData(0.1, 9), InlineData(0.3, 3), InlineData(0.001, 999)]
    public void The_least_number_of_rows_is_the_first_with_which_alpha_can_be_reached(double alpha, long least)
    {
        Assert.Equal(least, ConformalScale.LeastCount(alpha));
        Assert.True(1.0 / (least + 1) <= alpha + 1e-12 && 1.0 / least > alpha);
    }

    // Of one calibration set the realised rate is distributed as Beta(k, n + 1 - k), k = floor(alpha (n + 1)).
    [Theory, InlineData(0.01), InlineData(0.05), InlineData(0.1)]
    public void Of_fresh_ordinary_rows_no_more_than_alpha_are_flagged(double alpha)
    {
        const int n = 1000, fresh = 20000, repeats = 20;
        double k = Math.Floor(alpha * (n + 1)), mean = k / (n + 1), deviation = Math.Sqrt(mean * (1 - mean) * (1.0 / (n + 2) + 1.0 / fresh)), sum = 0;
        for (int repeat = 0; repeat < repeats; repeat++)
        {
            var scores = new double[n + fresh];
            Noise.FillNormal((ulong)repeat, 0, 1, scores.AsSpan());
            var scale = new ConformalScale(ScoreKind.LogProb, scores.AsSpan(0, n));
            double rate = scores.Skip(n).Count(score => scale.PValue(score) <= alpha) / (double)fresh;
            Assert.InRange(rate, mean - 3.5 * deviation, mean + 3.5 * deviation);
            sum += rate;
        }
        output.WriteLine($"alpha {alpha}: a rate of {sum / repeats:F4} over {repeats} calibrations of {n} rows");
        Assert.InRange(sum / repeats, mean - 3.5 * deviation / Math.Sqrt(repeats), mean + 3.5 * deviation / Math.Sqrt(repeats));
    }
}
