using FlowCore.Calibration;
using FlowCore.Densities;

namespace FlowCore.Drift;

/// <summary>
/// Whether rows together are as likely as ordinary ones: the distance of their mean log density from that of the calibration rows, against the
/// distances of batches of the same size that are drawn from the calibration rows (Nalisnick, Matsukawa, Teh, Lakshminarayanan 2019, "Detecting out-of-distribution inputs to deep generative models
/// using typicality", arXiv 1906.02994). Rows that are all too likely are found as well, which no row's own p-value shows. Log densities beyond those of the
/// calibration count as its last ones: single strange rows are not what this is about.
/// </summary>
/// <param name="calibration">The log densities of the calibration rows.</param>
public sealed class BatchTypicality(ConformalScale calibration)
{
    private const int Batches = 999, MostDraws = 256;

    private readonly double[] scores = calibration.Scores();
    private double sum;

    /// <summary>The number of rows.</summary>
    public long Rows { get; private set; }

    /// <summary>Adds a row by its log density; one that is NaN is the least likely of all.</summary>
    public void Add(double logProb)
    {
        sum += double.IsNaN(logProb) ? scores[0] : Math.Clamp(logProb, scores[0], scores[^1]);
        Rows++;
    }

    /// <summary>What the rows so far come to; null below two rows.</summary>
    public Typicality? Result()
    {
        if (Rows < 2)
            return null;
        int draws = (int)Math.Min(MostDraws, Rows);
        double expected = scores.Average(), mean = sum / Rows, distance = Math.Abs(mean - expected);
        // A batch of fewer draws is further from the mean by the root of its size; the calibration's own mean is uncertain, too.
        double scale = Math.Sqrt((1.0 / Rows + 1.0 / scores.Length) * draws);
        int asFar = 1;
        for (uint batch = 0; batch < Batches; batch++)
            if (scale * Math.Abs(Drawn(batch, draws) - expected) >= distance)
                asFar++;
        return new(Rows, mean, expected, asFar / (double)(Batches + 1));
    }

    private double Drawn(uint batch, int draws)
    {
        double total = 0;
        for (uint draw = 0; draw < draws; draw += 4)
        {
            var (a, b, c, d) = Philox.At(draw / 4, batch, 0, 4, 0, 0);
            total += At(a);
            total += draw + 1 < draws ? At(b) : 0;
            total += draw + 2 < draws ? At(c) : 0;
            total += draw + 3 < draws ? At(d) : 0;
        }
        return total / draws;
    }

    private double At(uint word) => scores[(int)((ulong)word * (ulong)scores.Length >> 32)];
}

/// <summary>How likely some rows are together.</summary>
/// <param name="Rows">The number of rows.</param>
/// <param name="MeanLogProb">Their mean log density in nats, within the range of the calibration's.</param>
/// <param name="Expected">The mean of the calibration rows.</param>
/// <param name="PValue">The share of batches of ordinary rows that are as far from it.</param>
public sealed record Typicality(long Rows, double MeanLogProb, double Expected, double PValue);
