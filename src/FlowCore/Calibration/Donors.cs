using System.Numerics;

namespace FlowCore.Calibration;

/// <summary>
/// What may stand for missing values: those of some of the reference rows, taken by their places alone. The other reference rows lend nothing, and
/// are to rows that lack values what the calibration is to whole ones: scored with the same values missing, filled from the same
/// donors, they are exchangeable with an ordinary row that lacks them, so that its conformal p-value among them holds.
/// </summary>
public sealed class Donors
{
    /// <summary>K, the most values that stand for a missing one.</summary>
    public const int Draws = 32;

    // More than the draws, so that those of a single column can be spread over it evenly; not many, since they do not calibrate.
    private const int Most = 128, OneIn = 4;

    private readonly ReferenceRows reference;
    private readonly int[] donors;
    private readonly Lazy<float[]>[] ofColumn;

    /// <param name="reference">The rows that donors are taken from.</param>
    public Donors(ReferenceRows reference)
    {
        this.reference = reference;
        int[] mixed = reference.DrawRows(reference.Count);
        int count = Math.Clamp(mixed.Length / OneIn, 1, Most);
        (donors, Others) = (mixed[..count], mixed[count..]);
        Count = Math.Min(Draws, count);
        ofColumn = [.. Enumerable.Range(0, reference.Width).Select(column => new Lazy<float[]>(() => reference.DrawColumn(column, Count, donors)))];
    }

    /// <summary>How many values stand for a missing one.</summary>
    public int Count { get; }

    /// <summary>The places of the reference rows that lend nothing.</summary>
    public int[] Others { get; }

    /// <summary>Puts a draw in the place of what a row lacks: one value comes from its column, several from a whole row, so that they go with each other.</summary>
    /// <param name="x">The row.</param>
    /// <param name="lacking">The columns that it lacks; at least one.</param>
    /// <param name="draw">Which of the <see cref="Count"/> draws.</param>
    public void Put<T>(Span<T> x, ReadOnlySpan<int> lacking, int draw)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (lacking is [var only])
        {
            x[only] = T.CreateTruncating(ofColumn[only].Value[draw]);
            return;
        }
        foreach (int column in lacking)
            x[column] = T.CreateTruncating(reference.Values[donors[draw] * x.Length + column]);
    }
}
