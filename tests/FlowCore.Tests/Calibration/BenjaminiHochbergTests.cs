using FlowCore.Calibration;
using FlowCore.Densities;

namespace FlowCore.Tests.Calibration;

public sealed class BenjaminiHochbergTests(ITestOutputHelper output)
{
    [Fact]
    public void The_q_values_are_those_of_the_definition()
    {
        int[] ranks = [1, 3, 3, 7, 20, 1, 12, 20, 9, 2];
        var counts = new BenjaminiHochberg(new(19));
        foreach (int rank in ranks)
            counts.Add(rank);
        double[] values = counts.QValues();

        // By the definition: q_(k) = min over j >= k of m p_(j) / j.
        int[] sorted = [.. ranks.Order()];
        foreach (int rank in ranks)
        {
            int first = Array.IndexOf(sorted, rank);
            double expected = Enumerable.Range(first, sorted.Length - first).Min(j => sorted.Length * (sorted[j] / 20.0) / (j + 1));
            Assert.Equal(Math.Min(1, expected), values[rank], 12);
        }
    }

    [Fact]
    public void Rows_of_two_calibrations_are_counted_by_their_p_values()
    {
        var ranks = new RankScale(19, 9);
        int[] rows = [1, 3, 20, ranks.OfLacking(1), ranks.OfLacking(1), ranks.OfLacking(10), 2, 7, ranks.OfLacking(4)];
        var counts = new BenjaminiHochberg(ranks);
        foreach (int rank in rows)
            counts.Add(rank);
        double[] values = counts.QValues(), sorted = [.. rows.Select(ranks.PValueOf).Order()];

        Assert.Equal((30, 0.05, 0.1, 1), (ranks.Count, ranks.PValueOf(1), ranks.PValueOf(ranks.OfLacking(1)), ranks.PValueOf(ranks.OfLacking(10))));
        foreach (int rank in rows)
        {
            int first = Array.IndexOf(sorted, ranks.PValueOf(rank));
            Assert.Equal(Math.Min(1, Enumerable.Range(first, sorted.Length - first).Min(j => sorted.Length * sorted[j] / (j + 1))), values[rank], 12);
        }
    }

    [Fact]
    public void Of_the_rows_that_are_reported_a_tenth_is_ordinary_at_the_most()
    {
        const int n = 2000, ordinary = 300, planted = 30, repeats = 60;
        double sum = 0, found = 0;
        var proportions = new double[repeats];
        for (int repeat = 0; repeat < repeats; repeat++)
        {
            var scores = new double[n + ordinary + planted];
            Noise.FillNormal((ulong)(1000 + repeat), 0, 1, scores.AsSpan());
            for (int i = n + ordinary; i < scores.Length; i++)
                scores[i] -= 4;
            var scale = new ConformalScale(ScoreKind.LogProb, scores.AsSpan(0, n));
            var counts = new BenjaminiHochberg(new(n));
            for (int i = n; i < scores.Length; i++)
                counts.Add(scale.RankOf(scores[i]));
            double[] values = counts.QValues();
            int wrong = 0, right = 0;
            for (int i = n; i < scores.Length; i++)
                if (values[scale.RankOf(scores[i])] <= 0.1)
                    _ = i < n + ordinary ? wrong++ : right++;
            proportions[repeat] = wrong + right == 0 ? 0 : wrong / (double)(wrong + right);
            (sum, found) = (sum + proportions[repeat], found + right / (double)planted);
        }
        double rate = sum / repeats, noise = Math.Sqrt(proportions.Sum(each => (each - rate) * (each - rate)) / (repeats - 1) / repeats);
        output.WriteLine($"a false discovery rate of {rate:F3} +- {noise:F3} at 0.1; {found / repeats:P0} of the planted rows were found");
        Assert.True(rate <= 0.1 + 2 * noise, $"{rate}");
        Assert.True(found / repeats > 0.5);
    }
}
