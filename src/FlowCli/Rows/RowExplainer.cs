using System.Numerics;
using FlowCore.Calibration;
using FlowRows.Buffers;
using FlowRows.Scoring;

namespace FlowCli.Rows;

/// <summary>Explains rows by evaluating an engine on copies of them, many copies at once.</summary>
internal sealed class RowExplainer<T>(EngineRun<T> engine, ScoreRequest request, RowPool pool)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly LeaveOneOut replacing = request.Calibration.Reasons;

    /// <summary>Says why the rows that are to be explained are strange.</summary>
    /// <param name="scores">Which rows.</param>
    /// <param name="x">All rows, flat.</param>
    /// <param name="context">What each is conditioned on.</param>
    /// <param name="logProb">Their log densities.</param>
    /// <param name="stop">Ends it.</param>
    public RowReasons Explain(RowScores scores, ReadOnlySpan<T> x, ReadOnlySpan<T> context, ReadOnlySpan<T> logProb, CancellationToken stop)
    {
        var reasons = new RowReasons(request.Top);
        int width = engine.Spec.Width, contextWidth = engine.Spec.ContextWidth, together = Math.Max(1, engine.ChunkRows / replacing.Evaluations);
        var found = new double[replacing.Evaluations];
        foreach (int[] some in scores.ToExplain.Chunk(together))
        {
            stop.ThrowIfCancellationRequested();
            int count = some.Length * replacing.Evaluations;
            using RowBuffer<T> rows = pool.Rent<T>(count * width), contexts = pool.Rent<T>(count * contextWidth), logProbs = pool.Rent<T>(count);
            for (int i = 0; i < some.Length; i++)
            {
                replacing.Replace(x.Slice(some[i] * width, width), 0, rows.Span.Slice(i * replacing.Evaluations * width, replacing.Evaluations * width));
                for (int copy = i * replacing.Evaluations; contextWidth > 0 && copy < (i + 1) * replacing.Evaluations; copy++)
                    context.Slice(some[i] * contextWidth, contextWidth).CopyTo(contexts.Span[(copy * contextWidth)..]);
            }
            engine.LogProb(rows.Span, contexts.Span, logProbs.Span);
            for (int i = 0; i < some.Length; i++)
            {
                for (int each = 0; each < found.Length; each++)
                    found[each] = double.CreateTruncating(logProbs.Span[i * found.Length + each]);
                T[] row = x.Slice(some[i] * width, width).ToArray();
                reasons.Add(some[i], replacing.Explain(double.CreateTruncating(logProb[some[i]]), found, request.Top), request.Features,
                    column => double.CreateTruncating(row[column]));
            }
        }
        return reasons;
    }
}
