using System.Threading.Channels;
using FlowRows;
using FlowRows.Answers;
using FlowRows.Scoring;
using FlowRows.Tables;
using FlowService.Batching;
using FlowService.Errors;
using FlowService.Requests;
using FlowService.Telemetry;

namespace FlowService.Endpoints;

/// <summary>
/// A request whose rows pass through in parts: while some are computed the next ones are read, and the ones before them are
/// written, so that memory stays bounded whatever their number. The first part decides the status; of a short body, all that the
/// parts ahead hold, its end in most cases. A fault behind it breaks the connection off, for nobody shall take a part of an answer
/// for the whole.
/// </summary>
internal sealed class RowStream(RequestRun run)
{
    // One is computed, one waits for it, and one is written.
    private const int PartsAhead = 3;

    private const int ValuesOfPart = 1 << 18;

    // The deadline holds for each part: one of a slow model takes a small share of it.
    private const int PartsInDeadline = 8;

    private readonly Channel<Task<ComputedPart>> ahead =
        Channel.CreateBounded<Task<ComputedPart>>(new BoundedChannelOptions(PartsAhead) { SingleReader = true, SingleWriter = true });

    private readonly TaskCompletionSource mayBegin = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly HttpContext http = run.Http;
    private readonly int partRows = MostRowsOfPart(run);
    private AnswerWriter<float>? writer;
    private long written;

    private static int MostRowsOfPart(RequestRun run)
    {
        BatchQueue queue = run.Model.Queue;
        int fit = Math.Clamp(ValuesOfPart / Math.Max(run.Model.Width, run.Model.Engine.NoiseWidth), 1, queue.Options.BatchRows);
        Direction direction = (run.Operation.IsScore ? Operation.LogProb : run.Operation.Operation).Direction();
        long timely = queue.Cost.RowsWithin(direction, Deadline.Of(run.Request.TimeoutMs, queue.Options) / PartsInDeadline);
        return (int)Math.Min(Math.Min(fit, timely), run.Services.Limits.Value.RowsPerRequest);
    }

    /// <summary>Answers with samples, or with what is computed of a body.</summary>
    public async Task AnswerAsync(RowFormat format, SampleRows? samples, RowReader<float>? body)
    {
        if (body?.Rows is { } coming)
            Inference.CheckRoom(run.Model, (int)Math.Min(coming, partRows));
        IAsyncEnumerable<RowPart> parts = samples is not null
            ? RowParts.OfSamples(samples, partRows).ToAsyncEnumerable()
            : RowParts.OfBody(body!, run, partRows);
        long? rows = samples?.Count ?? body!.Rows;
        if (body is null || !RequestReader.IsShort(http.Request))
            mayBegin.SetResult();
        await using var output = new AnswerOutput(http);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        Task reading = ReadAsync(parts, output, stop.Token);
        try
        {
            await WriteAsync(format, rows, output);
        }
        catch (Exception e) when (output.HasBegun && ProblemMapping.ToRefusal(e) is { } refusal)
        {
            http.Features.Get<RequestFacts>()?.Reason = refusal.Kind.Word;
            run.Services.Logger.AnswerBroken(http.Request.Path, written, refusal.Message);
            await stop.CancelAsync();
            await reading;
            await BreakOffAsync(refusal, output);
        }
        catch (Exception e) when (output.HasBegun && BrokenConnection.IsCauseOf(e))
        {
            http.Abort(); // thrown on, it would be logged as a failure of the service
        }
        finally
        {
            await stop.CancelAsync();
            await reading;
            while (ahead.Reader.TryRead(out Task<ComputedPart>? left))
                await DisposeAsync(left);
        }
    }

    // The status is sent: the reason goes where the format has a place for it, and the answer's end never comes.
    private async Task BreakOffAsync(RequestException refusal, AnswerOutput output)
    {
        try
        {
            await writer!.BreakOffAsync(refusal.Message, http.RequestAborted);
            await output.Writer.FlushAsync(http.RequestAborted);
            Task sending = output.CompleteAsync();
            await BrokenConnection.ReadRestAsync(http);
            output.BodyIsRead();
            await sending;
            await BrokenConnection.CloseAsync(http);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            http.Abort(); // the client has gone
        }
    }

    private async Task ReadAsync(IAsyncEnumerable<RowPart> parts, AnswerOutput output, CancellationToken stop)
    {
        try
        {
            bool isFirst = true;
            await foreach (RowPart part in parts.WithCancellation(stop))
            {
                await HandOnAsync(ComputeAsync(part, isFirst, stop), stop);
                isFirst = false;
            }
            if (isFirst)
                throw RowFault.NoRows("the body");
            output.BodyIsRead();
            mayBegin.TrySetResult();
            ahead.Writer.Complete();
        }
        catch (Exception e)
        {
            if (mayBegin.TrySetException(e))
                _ = mayBegin.Task.Exception; // seen, whether or not anything waits for it
            ahead.Writer.Complete(e);
        }
    }

    private async ValueTask HandOnAsync(Task<ComputedPart> computing, CancellationToken stop)
    {
        if (ahead.Writer.TryWrite(computing))
            return;
        mayBegin.TrySetResult();
        try
        {
            await ahead.Writer.WriteAsync(computing, stop);
        }
        catch
        {
            await DisposeAsync(computing);
            throw;
        }
    }

    /// <summary>Computes a part. The first is refused where the queue is full; later ones wait for places, behind interactive requests, and for their key's quota.</summary>
    private async Task<ComputedPart> ComputeAsync(RowPart part, bool isFirst, CancellationToken stop)
    {
        try
        {
            return await PartsInTurn.RunAsync(
                async () => await ScoredAsync(part, await run.ComputeAsync(part.Rows, isFirst ? run.Request.Priority : Priority.Bulk)), isFirst, stop);
        }
        catch
        {
            part.Dispose();
            throw;
        }
    }

    private async Task<ComputedPart> ScoredAsync(RowPart part, WorkItem work)
    {
        try
        {
            return new(part, work, await run.ScoreAsync(work, part.Block));
        }
        catch
        {
            work.Dispose();
            throw;
        }
    }

    private async Task WriteAsync(RowFormat format, long? rows, AnswerOutput output)
    {
        if (run.Scores is { NeedsAllRows: true } all)
            await WriteAllAsync(all, format, rows, output);
        else
            await foreach (Answer<float> answer in AnswersAsync())
            {
                await mayBegin.Task;
                writer ??= run.Begin(format, output.Writer, answer, rows);
                await writer.WriteAsync(answer, http.RequestAborted);
                written += answer.Rows;
            }
        await writer!.CompleteAsync(http.RequestAborted);
        await output.CompleteAsync();
    }

    private async IAsyncEnumerable<Answer<float>> AnswersAsync()
    {
        await foreach (Task<ComputedPart> computing in ahead.Reader.ReadAllAsync())
        {
            using ComputedPart part = await computing;
            using Answer<float> answer = run.Answer(part.Work, part.Scores, part.Part.Block);
            yield return answer;
        }
    }

    // What q-values are is known when all rows are: until then the answer waits in a temporary file.
    private async Task WriteAllAsync(ScoreRequest request, RowFormat format, long? rows, AnswerOutput output)
    {
        RowsAside<float>? aside = null;
        try
        {
            await foreach (Answer<float> answer in AnswersAsync())
            {
                writer ??= run.Begin(format, output.Writer, answer, rows);
                aside ??= new(request.Ranks, writer, run.Services.Pool);
                await aside.AddAsync(answer, http.RequestAborted);
            }
            await mayBegin.Task;
            await (aside?.WriteAsync(http.RequestAborted) ?? ValueTask.CompletedTask);
        }
        finally
        {
            await (aside?.DisposeAsync() ?? ValueTask.CompletedTask);
        }
    }

    private static async Task DisposeAsync(Task<ComputedPart> computing)
    {
        try
        {
            (await computing).Dispose();
        }
        catch (Exception)
        {
            // A part that failed has disposed of itself; what ended the request is known already.
        }
    }

    private sealed record ComputedPart(RowPart Part, WorkItem Work, RowScores? Scores) : IDisposable
    {
        public void Dispose()
        {
            Scores?.Dispose();
            Work.Dispose();
            Part.Dispose();
        }
    }
}
