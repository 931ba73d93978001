using FlowCore.Calibration;
using FlowCore.Densities;

namespace FlowCore.Tests.Calibration;

/// <summary>Reasons of a density that is known: two features that go together, and one that goes alone.</summary>
public sealed class LeaveOneOutTests
{
    private const int Rows = 1000;
    private readonly ReferenceRows reference = Reference();

    [Fact]
    public void The_feature_that_does_not_go_with_the_others_comes_first()
    {
        // Feature 2 is an ordinary value of its own column; only beside feature 0 it is not.
        Reason[] alone = Explain([0.1, 0.2, 5]), pair = Explain([-1, 0.3, 1.5]);

        Assert.Equal(2, alone[0].Column);
        Assert.True(alone[0].Nats > 5);
        Assert.InRange(alone[0].Expected, -0.5f, 0.7f);
        Assert.Contains(pair[0].Column, new[] { 0, 2 });
        Assert.True(pair[0].Nats > 5 && pair[^1].Nats < 1);
    }

    [Fact]
    public void It_is_the_mean_of_the_densities_with_the_feature_replaced()
    {
        double[] x = [0.3, -0.4, 2];
        float[] draws = reference.DrawColumn(1, LeaveOneOut.Draws);
        double mean = draws.Average(value => Math.Exp(LogProb([0.3, value, 2])));

        Assert.Equal(Math.Log(mean) - LogProb(x), Explain(x).Single(reason => reason.Column == 1).Nats, 1e-9);
    }

    [Fact]
    public void The_draws_cover_a_column_evenly_and_are_always_the_same()
    {
        float[] draws = reference.DrawColumn(0, 16);
        double[] sorted = [.. Enumerable.Range(0, Rows).Select(row => (double)reference.Values[row * 3]).Order()];

        Assert.Equal(draws, Reference().DrawColumn(0, 16));
        for (int i = 0; i < 16; i++)
            Assert.InRange(draws[i], sorted[i * Rows / 16], sorted[Math.Min(Rows - 1, (i + 1) * Rows / 16)]);
    }

    [Fact]
    public void A_row_of_no_finite_density_is_explained_by_what_gives_it_one()
    {
        var reasons = new LeaveOneOut(reference);
        var replaced = new double[reasons.Evaluations];
        Array.Fill(replaced, double.NegativeInfinity);
        replaced.AsSpan(LeaveOneOut.Draws, LeaveOneOut.Draws).Fill(-3);

        Assert.Equal((1, double.MaxValue), reasons.Explain(double.NegativeInfinity, replaced, 1) is [var first] ? (first.Column, first.Nats) : default);
    }

    private Reason[] Explain(double[] x)
    {
        var reasons = new LeaveOneOut(reference);
        var rows = new double[reasons.Evaluations * 3];
        reasons.Replace<double>(x, 0, rows.AsSpan(0, 30));
        reasons.Replace<double>(x, 10, rows.AsSpan(30));
        return reasons.Explain(LogProb(x), [.. rows.Chunk(3).Select(LogProb)], 3);
    }

    // x2 = x0 + noise of 0.1; x1 is free.
    private static double LogProb(double[] x) => -x[0] * x[0] / 2 - x[1] * x[1] / 2 - (x[2] - x[0]) * (x[2] - x[0]) / 0.02;

    private static ReferenceRows Reference()
    {
        var noise = new double[Rows * 3];
        Noise.FillNormal(9, 0, 3, noise.AsSpan());
        for (int row = 0; row < Rows; row++)
            noise[row * 3 + 2] = noise[row * 3] + 0.1 * noise[row * 3 + 2];
        return new(Array.ConvertAll(noise, value => (float)value), [], 3);
    }
}
