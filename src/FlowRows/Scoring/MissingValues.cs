using System.Numerics;
using FlowCore.Calibration;
using FlowRows.Buffers;

namespace FlowRows.Scoring;

/// <summary>
/// The values that some rows lack, where that is no reason to refuse them: the density is averaged over what they may have been,
/// log[(1/K) sum_k p(x_observed, x_missing^(k))] with K draws from <see cref="Donors"/>, in nats.
/// </summary>
internal sealed class MissingValues<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly Donors donors;
    private readonly Dictionary<int, Pattern> ofRow = [];
    private readonly Dictionary<string, Pattern> patterns = new(StringComparer.Ordinal);

    private MissingValues(Donors donors) => this.donors = donors;

    /// <summary>The rows that lack something.</summary>
    public int[] Rows { get; private set; } = [];

    /// <summary>The evaluations that each of them takes.</summary>
    public int Evaluations => donors.Count;

    /// <summary>What rows lack, each combination of columns once.</summary>
    public IReadOnlyCollection<Pattern> Patterns => patterns.Values;

    /// <summary>Finds what is NaN, and puts the first draw in its place.</summary>
    public static MissingValues<T> Of(Span<T> values, int width, Donors donors)
    {
        var missing = new MissingValues<T>(donors);
        for (int row = 0; row < values.Length / width; row++)
            missing.Find(row, values.Slice(row * width, width));
        missing.Rows = [.. missing.ofRow.Keys];
        return missing;
    }

    /// <summary>How many values a row lacks.</summary>
    public int CountOf(int row) => Of(row)?.Columns.Length ?? 0;

    /// <summary>What a row lacks; null where it is whole.</summary>
    public Pattern? Of(int row) => ofRow.GetValueOrDefault(row);

    /// <summary>Writes copies of a row that lacks some columns, each with another draw in their place: as many as there is room for, from a draw on.</summary>
    public void Fill(ReadOnlySpan<T> x, ReadOnlySpan<int> lacking, int first, Span<T> copies)
    {
        for (int i = 0; i < copies.Length / x.Length; i++)
        {
            Span<T> copy = copies.Slice(i * x.Length, x.Length);
            x.CopyTo(copy);
            donors.Put(copy, lacking, first + i);
        }
    }

    /// <summary>Puts the mean density of a row's copies among the results; its latent is unknown.</summary>
    public static void Complete(RowResults<T> results, int row, int width, ReadOnlySpan<double> logProbs)
    {
        results.LogProb.Span[row] = T.CreateTruncating(LogMean(logProbs));
        results.LogDet.Span[row] = T.NaN;
        results.Values?.Span.Slice(row * width, width).Fill(T.NaN);
    }

    /// <summary>The logarithm of the mean of densities, in nats; those that are NaN count as 0.</summary>
    public static double LogMean(ReadOnlySpan<double> logProbs)
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

    private void Find(int row, Span<T> x)
    {
        var lacking = new List<int>();
        for (int column = 0; column < x.Length; column++)
            if (T.IsNaN(x[column]))
                lacking.Add(column);
        if (lacking.Count == 0)
            return;
        string name = PatternScales.NameOf(lacking);
        if (!patterns.TryGetValue(name, out Pattern? pattern))
            patterns[name] = pattern = new(name, [.. lacking]);
        ofRow[row] = pattern;
        donors.Put(x, pattern.Columns, 0);
    }

    /// <summary>A combination of columns that rows lack.</summary>
    /// <param name="Name">Its name.</param>
    /// <param name="Columns">The columns, ascending.</param>
    internal sealed record Pattern(string Name, int[] Columns)
    {
        /// <summary>What such rows are compared with; null until somebody knows.</summary>
        public ConformalScale? Scale { get; set; }
    }
}
