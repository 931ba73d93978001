using System.Numerics;
using FlowCore.Calibration;
using FlowRows.Buffers;

namespace FlowRows.Scoring;

/// <summary>
/// What rows that lack values are compared with: reference rows that lack the same ones, scored in the same way. Each pattern takes
/// reference rows times draws of evaluations, once for a calibration.
/// </summary>
/// <param name="Calibration">The calibration.</param>
/// <param name="Missing">What rows lack.</param>
internal sealed record PatternRows<T>(CalibrationSet Calibration, MissingValues<T> Missing)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly ReferenceRows reference = Calibration.Reference;

    /// <summary>The number of reference rows for each pattern.</summary>
    public int Count => Calibration.Donors.Others.Length;

    /// <summary>The patterns that are not known yet; the others know their scale.</summary>
    public MissingValues<T>.Pattern[] Unknown()
    {
        foreach (MissingValues<T>.Pattern pattern in Missing.Patterns)
            pattern.Scale ??= Calibration.Patterns.Of(pattern.Name);
        return [.. Missing.Patterns.Where(pattern => pattern.Scale is null)];
    }

    /// <summary>The reference rows and what each is conditioned on; their owner is who asks.</summary>
    public (RowBuffer<T> X, RowBuffer<T> Context) Rows(RowPool pool)
    {
        int contextWidth = reference.Context.Length / reference.Count;
        RowBuffer<T> x = pool.Rent<T>(Count * reference.Width), context = pool.Rent<T>(Count * contextWidth);
        for (int i = 0; i < Count; i++)
        {
            int place = Calibration.Donors.Others[i];
            Put(reference.Values.AsSpan(place * reference.Width, reference.Width), x.Span[(i * reference.Width)..]);
            Put(reference.Context.AsSpan(place * contextWidth, contextWidth), context.Span[(i * contextWidth)..]);
        }
        return (x, context);
    }

    /// <summary>The copies of these rows by which a pattern is learned, and what is then done with their mean densities.</summary>
    public (RowCopies<T> Copies, Action Done) Learning(MissingValues<T>.Pattern pattern)
    {
        // Rounded as those of the rows are that they are compared with.
        var scores = new double[Count];
        RowCopies<T> copies = RowCopies<T>.ToLearn(
            Missing, pattern.Columns, (row, logProbs) => scores[row] = double.CreateTruncating(T.CreateTruncating(MissingValues<T>.LogMean(logProbs))));
        return (copies, () => Calibration.Patterns.Add(pattern.Name, pattern.Scale = new(ScoreKind.LogProb, scores)));
    }

    private static void Put(ReadOnlySpan<float> from, Span<T> to)
    {
        for (int i = 0; i < from.Length; i++)
            to[i] = T.CreateTruncating(from[i]);
    }
}
