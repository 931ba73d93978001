using System.Numerics;
using FlowRows.Buffers;
using FlowRows.Scoring;

namespace FlowCli.Rows;

/// <summary>Evaluates an engine on copies of rows, many copies at once.</summary>
internal sealed class EngineEvaluations<T>(EngineRun<T> engine, RowPool pool, CancellationToken stop)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Learns what rows that lack values are compared with, as far as it is not known.</summary>
    public void Learn(PatternRows<T> patterns)
    {
        MissingValues<T>.Pattern[] unknown = patterns.Unknown();
        if (unknown.Length == 0)
            return;
        (RowBuffer<T> x, RowBuffer<T> context) = patterns.Rows(pool);
        using (x)
        using (context)
            foreach (MissingValues<T>.Pattern pattern in unknown)
            {
                (RowCopies<T> copies, Action done) = patterns.Learning(pattern);
                Run(x.Span, context.Span, [.. Enumerable.Range(0, patterns.Count)], copies);
                done();
            }
    }

    /// <summary>Evaluates copies of some rows.</summary>
    /// <param name="x">All rows, flat.</param>
    /// <param name="context">What each is conditioned on.</param>
    /// <param name="rows">Those that are copied.</param>
    /// <param name="copies">What the copies are.</param>
    public void Run(ReadOnlySpan<T> x, ReadOnlySpan<T> context, int[] rows, RowCopies<T> copies)
    {
        int width = engine.Spec.Width, contextWidth = engine.Spec.ContextWidth, together = Math.Max(1, engine.ChunkRows / copies.Count);
        var found = new double[copies.Count];
        foreach (int[] some in rows.Chunk(together))
        {
            stop.ThrowIfCancellationRequested();
            int count = some.Length * copies.Count;
            using RowBuffer<T> values = pool.Rent<T>(count * width), contexts = pool.Rent<T>(count * contextWidth), logProbs = pool.Rent<T>(count);
            for (int i = 0; i < some.Length; i++)
            {
                copies.Fill(x.Slice(some[i] * width, width), some[i], 0, values.Span.Slice(i * copies.Count * width, copies.Count * width));
                for (int copy = i * copies.Count; contextWidth > 0 && copy < (i + 1) * copies.Count; copy++)
                    context.Slice(some[i] * contextWidth, contextWidth).CopyTo(contexts.Span[(copy * contextWidth)..]);
            }
            engine.LogProb(values.Span, contexts.Span, logProbs.Span);
            for (int i = 0; i < some.Length; i++)
            {
                for (int copy = 0; copy < found.Length; copy++)
                    found[copy] = double.CreateTruncating(logProbs.Span[i * found.Length + copy]);
                copies.Done(some[i], found);
            }
        }
    }
}
