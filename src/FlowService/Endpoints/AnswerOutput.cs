using System.IO.Pipelines;
using FlowService.Limits;
using FlowService.Wire;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace FlowService.Endpoints;

/// <summary>
/// Where an answer goes that is written while its body still arrives. Many clients read nothing until they have sent everything:
/// were the service to wait for them while they wait for it, both would wait for ever. So the answer may run ahead, as far as
/// <c>Limits:AnswerAheadBytes</c>; Kestrel's own buffers do for a short body.
/// </summary>
internal sealed class AnswerOutput : IAsyncDisposable
{
    private readonly HttpContext http;
    private readonly IHttpMinResponseDataRateFeature? rate;
    private readonly MinDataRate? usualRate;
    private readonly Pipe? pipe;
    private readonly Task sending = Task.CompletedTask;

    public AnswerOutput(HttpContext http, LimitsOptions limits)
    {
        this.http = http;
        Writer = http.Response.BodyWriter;
        if (RequestReader.IsShort(http.Request))
            return;
        pipe = new Pipe(new PipeOptions(
            pauseWriterThreshold: limits.AnswerAheadBytes, resumeWriterThreshold: limits.AnswerAheadBytes / 2, minimumSegmentSize: 1 << 16, useSynchronizationContext: false));
        Writer = pipe.Writer;
        // A client that still sends is not too slow a reader.
        rate = http.Features.Get<IHttpMinResponseDataRateFeature>();
        usualRate = rate?.MinDataRate;
        rate?.MinDataRate = null;
        sending = SendAsync(pipe.Reader);
    }

    public PipeWriter Writer { get; }

    /// <summary>The client has sent everything: from now on it must read.</summary>
    public void BodyIsRead() => rate?.MinDataRate = usualRate;

    /// <summary>Everything is written; returns when it is sent.</summary>
    public async Task CompleteAsync()
    {
        if (pipe is not null)
            await pipe.Writer.CompleteAsync();
        await sending;
    }

    public async ValueTask DisposeAsync()
    {
        if (pipe is null)
            return;
        await pipe.Writer.CompleteAsync(new OperationCanceledException());
        try
        {
            await sending;
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // The answer broke off, or its client is gone: who wrote it knows.
        }
    }

    private async Task SendAsync(PipeReader reader)
    {
        Exception? failure = null;
        try
        {
            await reader.CopyToAsync(http.Response.BodyWriter, http.RequestAborted);
        }
        catch (Exception e)
        {
            failure = e;
            throw;
        }
        finally
        {
            await reader.CompleteAsync(failure);
        }
    }
}
