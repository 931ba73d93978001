using FlowRows;
using FlowRows.Buffers;
using FlowRows.Scoring;
using FlowService.Batching;
using FlowService.Errors;
using FlowService.Models;
using Microsoft.Extensions.Options;

namespace FlowService.Scoring;

/// <summary>
/// Evaluates a model on copies of computed rows, to explain them or to average over what they lack: one job whose size is known before it begins.
/// Its rows go through the model's queue a batch after the other, so that other requests come in between.
/// </summary>
internal sealed class Evaluations(Inference inference, IOptions<ScoringOptions> options, RowPool pool, TimeProvider time)
{
    private const int ValuesOfBatch = 1 << 18;

    private static readonly TimeSpan PauseWhereFull = TimeSpan.FromMilliseconds(20);

    /// <summary>Evaluates copies of some rows.</summary>
    /// <param name="work">All rows, computed.</param>
    /// <param name="rows">Those that are copied.</param>
    /// <param name="copies">What the copies are.</param>
    /// <param name="timeout">The time that all of it may take.</param>
    /// <param name="callerGone">The caller has left.</param>
    /// <exception cref="RequestException">504 where the time passed, 503 where the model is unloaded.</exception>
    /// <exception cref="RowFault">There are more than are allowed.</exception>
    public async Task RunAsync(WorkItem work, int[] rows, RowCopies<float> copies, TimeSpan timeout, CancellationToken callerGone)
    {
        CheckCost(rows.Length, copies);
        long began = time.GetTimestamp(), all = (long)rows.Length * copies.Count;
        int width = work.Model.Width, most = Math.Clamp(ValuesOfBatch / width, 1, work.Model.Queue.Options.BatchRows);
        var logProbs = new double[copies.Count];
        for (long first = 0; first < all; first += most)
        {
            int count = (int)Math.Min(most, all - first);
            using RowBuffer<float> values = pool.Rent<float>(count * width), contexts = pool.Rent<float>(count * work.Model.Spec.ContextWidth);
            Copy(work, rows, copies, first, values, contexts);
            using WorkItem evaluated = await ComputeAsync(work, values, contexts, count, timeout - time.GetElapsedTime(began), callerGone);
            for (int i = 0; i < count; i++)
            {
                (int at, int copy) = ((int)((first + i) / copies.Count), (int)((first + i) % copies.Count));
                logProbs[copy] = evaluated.Results.LogProb.Span[i];
                if (copy == copies.Count - 1)
                    copies.Done(rows[at], logProbs);
            }
        }
    }

    /// <summary>Learns what rows that lack values are compared with, as far as it is not known.</summary>
    /// <param name="work">The rows, computed.</param>
    /// <param name="patterns">What they lack.</param>
    /// <param name="timeout">The time that all of it may take.</param>
    /// <param name="callerGone">The caller has left.</param>
    /// <exception cref="RequestException">504 where the time passed, 503 where the model is unloaded.</exception>
    /// <exception cref="RowFault">They lack more different things than are allowed, whether known or not.</exception>
    public async Task LearnAsync(WorkItem work, PatternRows<float> patterns, TimeSpan timeout, CancellationToken callerGone)
    {
        CheckCost(patterns);
        MissingValues<float>.Pattern[] unknown = patterns.Unknown();
        if (unknown.Length == 0)
            return;
        long began = time.GetTimestamp();
        (RowBuffer<float> x, RowBuffer<float> context) = patterns.Rows(pool);
        using (x)
        using (context)
        {
            var rows = new WorkRows { Count = patterns.Count, Values = x, Context = context.Length > 0 ? context : null };
            using var reference = new WorkItem(work.Model, Operation.LogProb, rows, pool, keepsValues: false) { Priority = work.Priority };
            foreach (MissingValues<float>.Pattern pattern in unknown)
            {
                (RowCopies<float> copies, Action done) = patterns.Learning(pattern);
                await RunAsync(reference, [.. Enumerable.Range(0, patterns.Count)], copies, timeout - time.GetElapsedTime(began), callerGone);
                done();
            }
        }
    }

    private void CheckCost(PatternRows<float> patterns)
    {
        long each = (long)patterns.Count * patterns.Missing.Evaluations;
        if (patterns.Missing.Patterns.Count * each > options.Value.Evaluations)
            throw new RowFault(RowFaultKind.TooManyRows,
                $"the rows lack values in {patterns.Missing.Patterns.Count} different combinations of columns, whose p-values take {each} evaluations of the model each, and at most "
                + $"{options.Value.Evaluations} are made (Scoring:Evaluations): send rows with at most {options.Value.Evaluations / each}, or ask for no p-values")
            { Field = "missing" };
    }

    private void CheckCost(int rows, RowCopies<float> copies)
    {
        if ((long)rows * copies.Count > options.Value.Evaluations)
            throw new RowFault(RowFaultKind.TooManyRows,
                $"{copies.What} of {rows} rows takes {(long)rows * copies.Count} evaluations of the model, {copies.Count} a row, and at most {options.Value.Evaluations} are made "
                + $"(Scoring:Evaluations): send at most {options.Value.Evaluations / copies.Count} rows{copies.Remedy}")
            { Field = copies.Field };
    }

    private static void Copy(WorkItem work, int[] rows, RowCopies<float> copies, long first, RowBuffer<float> values, RowBuffer<float> contexts)
    {
        int width = work.Model.Width, contextWidth = work.Model.Spec.ContextWidth, count = values.Length / width;
        ReadOnlySpan<float> x = work.Input.Values!.Span;
        for (int done = 0; done < count;)
        {
            (int at, int copy) = ((int)((first + done) / copies.Count), (int)((first + done) % copies.Count));
            int run = Math.Min(count - done, copies.Count - copy);
            copies.Fill(x.Slice(rows[at] * width, width), rows[at], copy, values.Span.Slice(done * width, run * width));
            for (int i = done; i < done + run; i++)
                work.Input.CopyContext(rows[at], 1, contextWidth, contexts.Span[(i * contextWidth)..]);
            done += run;
        }
    }

    private async Task<WorkItem> ComputeAsync(
        WorkItem work, RowBuffer<float> values, RowBuffer<float> contexts, int count, TimeSpan left, CancellationToken callerGone)
    {
        ServedModel model = work.Model;
        while (left > TimeSpan.Zero)
        {
            long began = time.GetTimestamp();
            var rows = new WorkRows { Count = count, Values = values, Context = contexts.Length > 0 ? contexts : null };
            var item = new WorkItem(model, Operation.LogProb, rows, pool, keepsValues: false) { Priority = work.Priority };
            try
            {
                await inference.ComputeAsync(item, left, callerGone);
                return item;
            }
            catch (RequestException e) when (e.Kind == ProblemKind.QueueFull)
            {
                item.Dispose();
                await Task.Delay(PauseWhereFull, time, callerGone); // the rows themselves are computed already
                left -= time.GetElapsedTime(began);
            }
            catch
            {
                item.Dispose();
                throw;
            }
        }
        throw Deadline.Passed();
    }
}
