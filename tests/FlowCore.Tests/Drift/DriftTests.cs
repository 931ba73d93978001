using FlowCore.Calibration;
using FlowCore.Drift;

namespace FlowCore.Tests.Drift;

/// <summary>What is said of unchanged rows, over many draws, and of changed ones. The rows are normal, rounded normal, and mostly one value.</summary>
public sealed class DriftTests
{
    private const int Calibrations = 40, Windows = 50;

    [Theory, InlineData(200, 1000, 0), InlineData(200, 150, 0), InlineData(1000, 1000, 1), InlineData(60, 400, 2), InlineData(2000, 300, 2)]
    public void The_index_of_unchanged_rows_exceeds_its_limit_as_often_as_the_rate_says(int rows, int reference, int kind)
    {
        const double rate = 0.01;
        var random = new Random(rows + reference + kind);
        int exceeded = 0, draws = Calibrations * Windows;
        for (int i = 0; i < Calibrations * Windows; i++)
        {
            var bins = new ColumnBins([.. Enumerable.Range(0, reference).Select(_ => Draw(random, kind)).Order()]);
            var counts = new int[bins.Count];
            for (int row = 0; row < rows; row++)
                counts[bins.Of(Draw(random, kind))]++;
            if (StabilityIndex.Of(bins, counts, rows) > StabilityIndex.Limit(bins, rows, rate))
                exceeded++;
        }

        Assert.InRange(exceeded / (double)draws, 0, rate + 3 * Math.Sqrt(rate / draws));
    }

    [Fact]
    public void A_point_mass_has_a_bin_of_its_own_and_both_ends_are_open()
    {
        var bins = new ColumnBins([.. Enumerable.Repeat(0f, 30), .. Enumerable.Range(1, 50).Select(i => i / 100f), .. Enumerable.Repeat(1f, 20)]);

        Assert.Equal([0, 30, .. Enumerable.Repeat(10, 5), 20, 0], bins.Reference.ToArray());
        Assert.Equal([0, 1, 2, 7, 8], new[] { -0.1f, 0f, 0.01f, 1f, 1.1f }.Select(bins.Of));
    }

    [Fact]
    public void Online_p_values_are_uniform_for_ties_too_and_low_for_strange_rows()
    {
        var random = new Random(3);
        double[] tenths = new double[10];
        const int all = 20000;
        var online = new OnlinePValues(Scale(random, 200, kind: 2));
        for (int row = 0; row < all; row++)
            tenths[(int)(10 * online.Next(Draw(random, 2)))]++;
        double chi = tenths.Sum(count => (count - all / 10.0) * (count - all / 10.0) / (all / 10.0));
        Assert.InRange(chi, 0, 27.9); // 0.001 of a chi-squared with 9 degrees of freedom

        Assert.InRange(online.Next(-1e9), 0, 0.01);
        Assert.InRange(online.Next(1e9), 0.5, 1);
    }

    [Fact]
    public void The_martingale_of_unchanged_rows_hardly_ever_gains_and_finds_a_late_change()
    {
        const int runs = 300, rows = 3000;
        int reached = 0, alarms = 0, found = 0;
        for (int run = 0; run < runs; run++)
        {
            var random = new Random(run);
            var online = new OnlinePValues(Scale(random, 300, kind: 0));
            var martingale = new ConformalMartingale();
            double most = 0;
            for (int row = 0; row < rows; row++)
            {
                martingale.Add(online.Next(Draw(random, 0)));
                most = Math.Max(most, martingale.Log10Capital);
            }
            reached += most >= 1 ? 1 : 0;
            alarms += martingale.IsAlarm ? 1 : 0;
            for (int row = 0; row < 400; row++)
                martingale.Add(online.Next(Draw(random, 0) - 1));
            found += martingale.IsAlarm ? 1 : 0;
        }

        Assert.InRange(reached / (double)runs, 0, 0.1 + 3 * Math.Sqrt(0.09 / runs)); // Ville: at most a tenth ever reach 10
        Assert.InRange(alarms, 0, 6); // 3000 rows of 1e6, 300 times: less than one is expected
        Assert.Equal(runs, found);
    }

    [Fact]
    public void A_window_forgets_what_is_older_than_its_rows()
    {
        var random = new Random(5);
        CalibrationSet calibration = Calibrated(random, 800);
        DriftWindow mixed = new(calibration, 200), fresh = new(calibration, 200);
        for (int row = 0; row < 350; row++)
            mixed.Add([Draw(random, 0) + 3, Draw(random, 0)], -20);
        for (int row = 0; row < 200; row++)
        {
            float[] x = [Draw(random, 0), Draw(random, 0)];
            float score = -0.5f * (x[0] * x[0] + x[1] * x[1]);
            mixed.Add(x, score);
            fresh.Add(x, score);
        }

        DriftState seen = mixed.State(), expected = fresh.State();
        Assert.Equal((550, 200), (seen.Seen, seen.Rows));
        Assert.Equal(expected.Columns, seen.Columns);
        Assert.Equal(expected.Score, seen.Score);
        Assert.Equal(fresh.PValues().Order(), mixed.PValues().Order());
        Assert.True(seen.MartingaleAlarm && !expected.MartingaleAlarm);
        Assert.DoesNotContain(seen.Columns, column => column.IsAlarm);
    }

    [Fact]
    public void Rows_outside_of_the_training_rows_are_a_share_of_the_window()
    {
        CalibrationSet calibration = Calibrated(new Random(8), 200);
        DriftWindow window = new(calibration, 4, [new("number", -5, 5), new("integer", 0, 3)]), unknown = new(calibration, 4);
        foreach (float[] row in (float[][])[[9, 9], [0, 0], [5, 3], [5.1f, 0], [0, -1]])
        {
            window.Add(row, 0);
            unknown.Add(row, 0);
        }

        Assert.Equal(0.5, window.State().OutOfRange);
        Assert.Null(unknown.State().OutOfRange);
    }

    [Fact]
    public void A_changed_column_is_told_from_the_others_and_a_short_window_from_a_full_one()
    {
        var random = new Random(6);
        var window = new DriftWindow(Calibrated(random, 800), 200);
        for (int row = 0; row < DriftWindow.FewestRows - 1; row++)
            window.Add([5, Draw(random, 0)], 0);
        Assert.All(window.State().Columns, column => Assert.Equal(default, column));
        for (int row = 0; row < 200; row++)
            window.Add([Draw(random, 0), Draw(random, 0) + 0.8f], 0);

        Assert.Equal([false, true], window.State().Columns.Select(column => column.IsAlarm));
    }

    [Fact]
    public void A_batch_is_typical_as_often_as_its_p_value_says_and_not_if_it_is_too_likely()
    {
        var random = new Random(7);
        const int runs = 400;
        int rejected = 0;
        for (int run = 0; run < runs; run++)
        {
            var batch = new BatchTypicality(Scale(random, 500, kind: 3));
            for (int row = 0; row < 100; row++)
                batch.Add(Draw(random, 3));
            rejected += batch.Result()!.PValue <= 0.05 ? 1 : 0;
        }
        var likely = new BatchTypicality(Scale(random, 500, kind: 3));
        for (int row = 0; row < 200; row++)
            likely.Add(-0.05);
        likely.Add(double.NaN);

        Assert.InRange(rejected / (double)runs, 0.01, 0.05 + 3 * Math.Sqrt(0.05 * 0.95 / runs));
        Assert.Equal(0.001, likely.Result()!.PValue);
        Assert.True(likely.Result()!.MeanLogProb > likely.Result()!.Expected);
        Assert.Null(new BatchTypicality(Scale(random, 10, kind: 0)).Result());
    }

    private static ConformalScale Scale(Random random, int rows, int kind) =>
        new(ScoreKind.LogProb, [.. Enumerable.Range(0, rows).Select(_ => (double)Draw(random, kind))]);

    private static CalibrationSet Calibrated(Random random, int rows)
    {
        float[] x = [.. Enumerable.Range(0, 2 * rows).Select(_ => Draw(random, 0))];
        double[] scores = [.. Enumerable.Range(0, rows).Select(row => -0.5 * (x[2 * row] * x[2 * row] + x[2 * row + 1] * x[2 * row + 1]))];
        return new(new(ScoreKind.LogProb, scores), new(ScoreKind.LatentNorm2, scores), new(x, [], 2), new([0, 0], [1, 1]));
    }

    // Normal; rounded to a half; a third zeros; the log density of a normal row, which has a long lower tail.
    private static float Draw(Random random, int kind)
    {
        double normal = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
        return kind switch
        {
            0 => (float)normal,
            1 => (float)Math.Round(normal * 2) / 2,
            2 => random.Next(3) == 0 ? 0 : (float)Math.Round(normal, 2),
            _ => (float)(-normal * normal / 2),
        };
    }
}
