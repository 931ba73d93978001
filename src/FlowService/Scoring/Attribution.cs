using FlowCore.Calibration;
using FlowRows;
using FlowRows.Buffers;
using FlowRows.Scoring;
using FlowService.Batching;
using FlowService.Errors;
using FlowService.Models;
using Microsoft.Extensions.Options;

namespace FlowService.Scoring;

/// <summary>
/// Explains rows by evaluating the model on copies of them (<see cref="LeaveOneOut"/>): one job whose size is known before it begins. Its rows
/// go through the model's queue a batch after the other, so that other requests come in between.
/// </summary>
internal sealed class Attribution(Inference inference, IOptions<ScoringOptions> options, RowPool pool, TimeProvider time)
{
    private const int ValuesOfBatch = 1 << 18;

    private static readonly TimeSpan PauseWhereFull = TimeSpan.FromMilliseconds(20);

    /// <summary>Says why the rows that are to be explained are strange.</summary>
    /// <param name="request">What was asked.</param>
    /// <param name="scores">Which rows.</param>
    /// <param name="work">The rows, and their log densities.</param>
    /// <param name="timeout">The time that all of it may take.</param>
    /// <param name="callerGone">The caller has left.</param>
    /// <exception cref="RequestException">504 where the time passed, 503 where the model is unloaded.</exception>
    /// <exception cref="RowFault">It takes more evaluations than are allowed.</exception>
    public async Task<RowReasons> ExplainAsync(ScoreRequest request, RowScores scores, WorkItem work, TimeSpan timeout, CancellationToken callerGone)
    {
        var reasons = new RowReasons(request.Top);
        LeaveOneOut replacing = request.Calibration.Reasons;
        CheckCost(scores.ToExplain.Length, replacing.Evaluations);
        long began = time.GetTimestamp();
        int width = work.Model.Width, most = Math.Clamp(ValuesOfBatch / width, 1, work.Model.Queue.Options.BatchRows);
        long all = (long)scores.ToExplain.Length * replacing.Evaluations;
        var logProbs = new double[replacing.Evaluations];
        for (long first = 0; first < all; first += most)
        {
            TimeSpan left = timeout - time.GetElapsedTime(began);
            int count = (int)Math.Min(most, all - first);
            using RowBuffer<float> values = pool.Rent<float>(count * width), contexts = pool.Rent<float>(count * work.Model.Spec.ContextWidth);
            Replace(work, scores.ToExplain, replacing, first, values, contexts);
            using WorkItem evaluated = await ComputeAsync(work, values, contexts, count, left, callerGone);
            for (int i = 0; i < count; i++)
            {
                (int at, int evaluation) = ((int)((first + i) / replacing.Evaluations), (int)((first + i) % replacing.Evaluations));
                logProbs[evaluation] = evaluated.Results.LogProb.Span[i];
                if (evaluation == replacing.Evaluations - 1)
                    Explain(request, replacing, work, scores.ToExplain[at], logProbs, reasons);
            }
        }
        return reasons;
    }

    private void CheckCost(int rows, int evaluations)
    {
        if ((long)rows * evaluations > options.Value.Evaluations)
            throw new RowFault(RowFaultKind.TooManyRows,
                $"the attribution of {rows} rows takes {(long)rows * evaluations} evaluations of the model, {evaluations} a row, and at most {options.Value.Evaluations} are made "
                + $"(Scoring:Evaluations): send at most {options.Value.Evaluations / evaluations} rows, or explain: flagged")
            { Field = ScoreRequest.Attribution };
    }

    private static void Replace(WorkItem work, int[] rows, LeaveOneOut replacing, long first, RowBuffer<float> values, RowBuffer<float> contexts)
    {
        int width = work.Model.Width, contextWidth = work.Model.Spec.ContextWidth, count = values.Length / width;
        ReadOnlySpan<float> x = work.Input.Values!.Span;
        for (int done = 0; done < count;)
        {
            (int at, int evaluation) = ((int)((first + done) / replacing.Evaluations), (int)((first + done) % replacing.Evaluations));
            int run = Math.Min(count - done, replacing.Evaluations - evaluation);
            replacing.Replace(x.Slice(rows[at] * width, width), evaluation, values.Span.Slice(done * width, run * width));
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
                await Task.Delay(PauseWhereFull, time, callerGone); // what it explains is computed already
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

    private static void Explain(ScoreRequest request, LeaveOneOut replacing, WorkItem work, int row, double[] logProbs, RowReasons reasons)
    {
        int width = work.Model.Width;
        Reason[] found = replacing.Explain(work.Results.LogProb.Span[row], logProbs, request.Top);
        reasons.Add(row, found, request.Features, column => work.Input.Values!.Span[row * width + column]);
    }
}
