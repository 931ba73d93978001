using System.Numerics;
using FlowCore.Calibration;
using FlowRows.Answers;

namespace FlowRows.Scoring;

/// <summary>
/// From the ranks of all rows, which stand in the place of their q-values, to these: bounded memory, for there are no more ranks than
/// calibration rows.
/// </summary>
internal sealed class RankedRows(RankScale ranks)
{
    private readonly BenjaminiHochberg counts = new(ranks);
    private double[]? values;

    /// <summary>Counts the rows of a part; those that could not be read have no rank.</summary>
    public void Count<T>(Answer<T> part)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        foreach (T rank in RanksOf(part))
            if (T.IsFinite(rank))
                counts.Add(int.CreateTruncating(rank));
    }

    /// <summary>Puts q-values in the place of ranks where the only part is all.</summary>
    public Answer<T> Whole<T>(Answer<T> all)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Count(all);
        Complete(all);
        return all;
    }

    /// <summary>All parts are counted: puts q-values in the place of a part's ranks.</summary>
    public void Complete<T>(Answer<T> part)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        foreach (ref T value in RanksOf(part))
            if (T.IsFinite(value))
                value = T.CreateTruncating(QValues[int.CreateTruncating(value)]);
    }

    /// <summary>All parts are counted: the q-value of each rank.</summary>
    public double[] QValues => values ??= counts.QValues();

    private static Span<T> RanksOf<T>(Answer<T> part)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => part.Columns.First(column => column.Name == ScoreRequest.QValue).Values.Span;
}
