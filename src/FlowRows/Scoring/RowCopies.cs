using System.Numerics;
using FlowCore.Calibration;
using FlowRows.Buffers;

namespace FlowRows.Scoring;

/// <summary>Writes copies of a row, as many as there is room for, from one on.</summary>
internal delegate void CopyFiller<T>(ReadOnlySpan<T> x, int row, int first, Span<T> copies);

/// <summary>Takes the log densities of all copies of a row.</summary>
internal delegate void CopyTaker(int row, ReadOnlySpan<double> logProbs);

/// <summary>Copies of rows on which a model is evaluated, and what follows from their log densities: for every program the same.</summary>
/// <param name="What">What they are for, for messages.</param>
/// <param name="Count">The copies of each row.</param>
/// <param name="Fill">Writes them.</param>
/// <param name="Done">Takes what was computed of them.</param>
internal sealed record RowCopies<T>(string What, int Count, CopyFiller<T> Fill, CopyTaker Done)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>The field that asks for them.</summary>
    public required string Field { get; init; }

    /// <summary>What else lowers their number, for messages.</summary>
    public string Remedy { get; init; } = "";

    /// <summary>Those that explain rows.</summary>
    /// <param name="request">What is asked.</param>
    /// <param name="reasons">Where the reasons go.</param>
    /// <param name="x">The rows, flat.</param>
    /// <param name="logProb">Their log densities.</param>
    public static RowCopies<T> ToExplain(ScoreRequest request, RowReasons reasons, RowBuffer<T> x, RowBuffer<T> logProb)
    {
        LeaveOneOut replacing = request.Calibration.Reasons;
        int width = request.Features.Length;
        return new("the attribution", replacing.Evaluations, (values, _, first, copies) => replacing.Replace(values, first, copies), (row, logProbs) =>
        {
            Reason[] found = replacing.Explain(double.CreateTruncating(logProb.Span[row]), logProbs, request.Top);
            reasons.Add(row, found, request.Features, column => double.CreateTruncating(x.Span[row * width + column]));
        })
        { Field = ScoreRequest.Attribution, Remedy = ", or explain: flagged" };
    }

    /// <summary>Those that average over what rows lack.</summary>
    public static RowCopies<T> ToAverage(MissingValues<T> missing, RowResults<T> results, int width) =>
        new("the average over missing values", missing.Evaluations, (x, row, first, copies) => missing.Fill(x, missing.Of(row)!.Columns, first, copies),
            (row, logProbs) => MissingValues<T>.Complete(results, row, width, logProbs))
        { Field = "missing" };

    /// <summary>Those that average over the same columns of every row.</summary>
    public static RowCopies<T> ToLearn(MissingValues<T> missing, int[] columns, CopyTaker done) =>
        new("what rows that lack values are compared with", missing.Evaluations, (x, _, first, copies) => missing.Fill(x, columns, first, copies), done)
        { Field = "missing" };
}
