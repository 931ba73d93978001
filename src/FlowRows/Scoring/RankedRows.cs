using System.Numerics;
using FlowCore.Calibration;
using FlowRows.Answers;
using FlowRows.Tables;

namespace FlowRows.Scoring;

/// <summary>From the ranks of all rows to their q-values: bounded memory, for there are no more ranks than calibration rows.</summary>
internal sealed class RankedRows(ScoreRequest request)
{
    private readonly BenjaminiHochberg counts = request.Counts();
    private double[]? values;

    /// <summary>Counts the rows of a part; those that could not be read do not count.</summary>
    public void Count(RowScores scores, RowErrors? errors)
    {
        ReadOnlySpan<int> ranks = scores.Ranks.Span;
        for (int row = 0; row < ranks.Length; row++)
            if (errors?.Of(row) is null)
                counts.Add(ranks[row]);
    }

    /// <summary>All parts are counted: puts q-values in the place of a part's ranks.</summary>
    public void Complete<T>(Answer<T> part)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        values ??= counts.QValues();
        foreach (AnswerColumn<T> column in part.Columns)
            if (column.Name == ScoreRequest.QValue)
                foreach (ref T value in column.Values.Span)
                    if (T.IsFinite(value))
                        value = T.CreateTruncating(values[int.CreateTruncating(value)]);
    }
}
