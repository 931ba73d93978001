using FlowCore.Drift;

namespace FlowCore.Tests.Drift;

/// <summary>Two versions on simulated traffic. Differences have heavy tails: Student's t with three degrees of freedom, of which the variance just exists, and with two, of which it does not.</summary>
public sealed class DifferenceSequenceTests
{
    private const int Rows = 10_000;

    [Theory, InlineData(3, 0.3), InlineData(2, 2.0)]
    public void Versions_that_are_equally_good_are_promoted_in_fewer_than_a_hundredth_of_a_thousand_runs(int degrees, double scale)
    {
        int promoted = 0, wrong = 0;
        for (int run = 0; run < 1000; run++)
        {
            var random = new Random(run);
            var differences = new DifferenceSequence(0.01);
            bool isWrong = false, isPromoted = false;
            for (int row = 0; row < Rows; row++)
            {
                differences.Add(scale * Student(random, degrees), 0);
                isPromoted |= differences.Low > 0; // looked at after every row
                isWrong |= differences.Low > 0 || differences.High < 0;
            }
            (promoted, wrong) = (promoted + (isPromoted ? 1 : 0), wrong + (isWrong ? 1 : 0));
        }

        Assert.InRange(promoted, 0, 9);
        Assert.InRange(wrong, 0, 10);
    }

    [Fact]
    public void A_version_that_is_better_by_a_twentieth_of_a_nat_is_promoted_within_ten_thousand_rows()
    {
        const int runs = 200;
        int promoted = 0;
        for (int run = 0; run < runs; run++)
        {
            var random = new Random(run);
            var differences = new DifferenceSequence(0.01);
            while (differences.Rows < Rows && differences.Low <= 0)
                differences.Add(0.05 + 0.25 * Student(random, 3), 0);
            promoted += differences.Low > 0 ? 1 : 0;
        }

        Assert.InRange(promoted, 0.99 * runs, runs);
    }

    [Fact]
    public void One_row_counts_for_no_more_than_three_nats_whatever_it_is()
    {
        var differences = new DifferenceSequence(0.01);
        foreach ((double candidate, double other) in ((double, double)[])[(-1e9, 0), (double.NaN, -5), (1, double.NegativeInfinity), (double.NaN, double.NaN), (2, 1)])
            differences.Add(candidate, other);

        Assert.Equal((-3.0 - 3 + 3 + 0 + 1) / 5, differences.Mean, 1e-12);
        Assert.Equal((-3, 3), (differences.Low, differences.High));
        Assert.Equal((-3.0, 3.0), (new DifferenceSequence(0.01).Low, new DifferenceSequence(0.01).High));
    }

    private static double Student(Random random, int degrees)
    {
        double squares = 0;
        for (int i = 0; i < degrees; i++)
            squares += Math.Pow(Normal(random), 2);
        return Normal(random) / Math.Sqrt(squares / degrees);
    }

    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
