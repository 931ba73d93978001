using System.Threading.Channels;
using FlowService.Batching;
using FlowService.Errors;
using FlowService.Models;
using FlowService.Telemetry;
using FlowService.Wire;

namespace FlowService.Endpoints;

/// <summary>
/// A request whose rows pass through in parts: while some are computed the next ones are read, and the ones before them are
/// written, so that memory stays bounded whatever their number. The first part decides the status. A fault behind it breaks the
/// connection off, for nobody shall take a part of an answer for the whole.
/// </summary>
internal sealed class RowStream(
    OperationServices services, HttpContext http, RowOperation operation, ServedModel model, RowRequest request, HashSet<string> include)
{
    // One is computed, one waits for it, and one is written.
    private const int PartsAhead = 3;

    private const int ValuesOfPart = 1 << 18;

    private static readonly TimeSpan PauseWhereFull = TimeSpan.FromMilliseconds(20);

    private readonly Channel<Task<ComputedPart>> ahead =
        Channel.CreateBounded<Task<ComputedPart>>(new BoundedChannelOptions(PartsAhead) { SingleReader = true, SingleWriter = true });

    private AnswerWriter? writer;
    private long written;

    /// <summary>The most rows of a part.</summary>
    private int PartRows => Math.Min(
        Math.Clamp(ValuesOfPart / Math.Max(model.Width, model.Engine.NoiseWidth), 1, model.Queue.Options.BatchRows), services.Limits.Value.RowsPerRequest);

    /// <summary>Answers with samples, or with what is computed of a body.</summary>
    public async Task AnswerAsync(RowFormat format, SampleRows? samples, RowReader? body)
    {
        if (body?.Rows is { } rows)
            Inference.CheckRoom(model, (int)Math.Min(rows, PartRows));
        IAsyncEnumerable<RowPart> parts = samples is not null
            ? RowParts.OfSamples(samples, PartRows).ToAsyncEnumerable()
            : RowParts.OfBody(body!, request, model, PartRows);
        var options = new AnswerOptions(samples?.Count ?? body!.Rows, request.Dtype ?? ElementType.Float32, include);
        await using var output = new AnswerOutput(http);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        Task reading = ReadAsync(parts, output, stop.Token);
        try
        {
            await WriteAsync(format, options, output);
        }
        catch (RequestException e) when (output.HasBegun)
        {
            http.Features.Get<RequestFacts>()?.Reason = e.Kind.Word;
            services.Logger.AnswerBroken(http.Request.Path, written, e.Message);
            http.Abort();
        }
        finally
        {
            await stop.CancelAsync();
            await reading;
            while (ahead.Reader.TryRead(out Task<ComputedPart>? left))
                await DisposeAsync(left);
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
                throw new RequestException(ProblemKind.InvalidArgument, "the body holds no rows; send at least one");
            output.BodyIsRead();
            ahead.Writer.Complete();
        }
        catch (Exception e)
        {
            ahead.Writer.Complete(e);
        }
    }

    private async ValueTask HandOnAsync(Task<ComputedPart> computing, CancellationToken stop)
    {
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

    /// <summary>Computes a part. The first is refused where the queue is full; later ones wait for places, behind interactive requests.</summary>
    private async Task<ComputedPart> ComputeAsync(RowPart part, bool isFirst, CancellationToken stop)
    {
        try
        {
            while (true)
                try
                {
                    WorkItem work = operation.Work(model, part.Rows, isFirst ? request.Priority : Priority.Bulk, include, services.Pool);
                    return new(part, await services.RunAsync(http, request, work));
                }
                catch (RequestException e) when (!isFirst && e.Kind == ProblemKind.QueueFull)
                {
                    await Task.Delay(PauseWhereFull, stop);
                }
        }
        catch
        {
            part.Dispose();
            throw;
        }
    }

    private async Task WriteAsync(RowFormat format, AnswerOptions options, AnswerOutput output)
    {
        await foreach (Task<ComputedPart> computing in ahead.Reader.ReadAllAsync())
        {
            using ComputedPart part = await computing;
            using Answer answer = operation.Answer(part.Work, include, services.Pool);
            answer.Kept = part.Part.Block?.Kept;
            writer ??= format.Begin(http.Response, output.Writer, answer, options);
            await writer.WriteAsync(answer, http.RequestAborted);
            written += answer.Rows;
        }
        await writer!.CompleteAsync(http.RequestAborted);
        await output.CompleteAsync();
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

    private sealed record ComputedPart(RowPart Part, WorkItem Work) : IDisposable
    {
        public void Dispose()
        {
            Work.Dispose();
            Part.Dispose();
        }
    }
}
