using System.Numerics;
using FlowCore.Calibration;
using FlowRows.Buffers;

namespace FlowRows.Scoring;

/// <summary>
/// The values that some rows lack, where that is no reason to refuse them: the density is averaged over what they may have been,
/// log[(1/K) sum_k p(x_observed, x_missing^(k))] with K draws from reference rows, in nats. One missing value is drawn from its column, several
/// together from whole rows, so that they go with each other.
/// </summary>
internal sealed class MissingValues<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>K, the number of draws.</summary>
    public const int Draws = 32;

    private readonly ReferenceRows reference;
    private readonly Dictionary<int, int[]> columns = [];
    private readonly Dictionary<int, float[]> ofColumn = [];
    private readonly int[] donors;

    private MissingValues(ReferenceRows reference) => (this.reference, donors) = (reference, reference.DrawRows(Draws));

    /// <summary>The rows that lack something.</summary>
    public int[] Rows { get; private set; } = [];

    /// <summary>The evaluations that each of them takes.</summary>
    public int Evaluations => Math.Min(Draws, donors.Length);

    /// <summary>Finds what is NaN, and puts the first draw in its place.</summary>
    public static MissingValues<T> Of(Span<T> values, int width, ReferenceRows reference)
    {
        var missing = new MissingValues<T>(reference);
        for (int row = 0; row < values.Length / width; row++)
            missing.Find(row, values.Slice(row * width, width));
        missing.Rows = [.. missing.columns.Keys];
        return missing;
    }

    /// <summary>How many values a row lacks.</summary>
    public int CountOf(int row) => columns.TryGetValue(row, out int[]? lacking) ? lacking.Length : 0;

    /// <summary>Writes copies of a row, each with another draw in the place of what it lacks: as many as there is room for, from a draw on.</summary>
    public void Fill(ReadOnlySpan<T> x, int row, int first, Span<T> copies)
    {
        for (int i = 0; i < copies.Length / x.Length; i++)
        {
            Span<T> copy = copies.Slice(i * x.Length, x.Length);
            x.CopyTo(copy);
            Put(copy, columns[row], first + i);
        }
    }

    /// <summary>Puts the mean density of a row's copies among the results; its latent is unknown.</summary>
    public static void Complete(RowResults<T> results, int row, int width, ReadOnlySpan<double> logProbs)
    {
        results.LogProb.Span[row] = T.CreateTruncating(LogMean(logProbs));
        results.LogDet.Span[row] = T.NaN;
        results.Values?.Span.Slice(row * width, width).Fill(T.NaN);
    }

    private void Find(int row, Span<T> x)
    {
        var lacking = new List<int>();
        for (int column = 0; column < x.Length; column++)
            if (T.IsNaN(x[column]))
                lacking.Add(column);
        if (lacking.Count == 0)
            return;
        columns[row] = [.. lacking];
        Put(x, columns[row], 0);
    }

    private void Put(Span<T> x, int[] lacking, int draw)
    {
        if (lacking is [var only])
        {
            if (!ofColumn.TryGetValue(only, out float[]? draws))
                ofColumn[only] = draws = reference.DrawColumn(only, Evaluations);
            x[only] = T.CreateTruncating(draws[draw]);
            return;
        }
        foreach (int column in lacking)
            x[column] = T.CreateTruncating(reference.Values[donors[draw] * x.Length + column]);
    }

    private static double LogMean(ReadOnlySpan<double> logProbs)
    {
        double highest = double.NegativeInfinity, sum = 0;
        foreach (double value in logProbs)
            if (value > highest)
                highest = value;
        if (!double.IsFinite(highest))
            return highest;
        foreach (double value in logProbs)
            if (!double.IsNaN(value))
                sum += Math.Exp(value - highest);
        return highest + Math.Log(sum / logProbs.Length);
    }
}
