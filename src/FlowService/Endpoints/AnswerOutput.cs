using System.IO.Pipelines;
using FlowService.Requests;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace FlowService.Endpoints;

/// <summary>
/// Where an answer goes that is written while its body still arrives. Many clients read nothing until they have sent everything:
/// were the service to wait for them while they wait for it, both would wait for ever. So what such a client does not read is
/// laid aside; Kestrel's own buffers do for a short body. The answer to a compressed body is laid aside until its end has
/// been read: only there does it show whether it is whole.
/// </summary>
internal sealed class AnswerOutput : IAsyncDisposable
{
    private readonly HttpResponse response;
    private readonly AnswerSpool? spool;
    private readonly IHttpMinResponseDataRateFeature? rate;
    private readonly MinDataRate? usualRate;

    public AnswerOutput(HttpContext http)
    {
        response = http.Response;
        Writer = response.BodyWriter;
        bool isHeld = Decompression.IsCompressed(http);
        if (RequestReader.IsShort(http.Request) && !isHeld)
            return;
        spool = new AnswerSpool(response.Body, isHeld, http.RequestAborted);
        Writer = PipeWriter.Create(spool, new StreamPipeWriterOptions(leaveOpen: true));
        // A client that still sends is not too slow a reader.
        rate = http.Features.Get<IHttpMinResponseDataRateFeature>();
        usualRate = rate?.MinDataRate;
        rate?.MinDataRate = null;
    }

    public PipeWriter Writer { get; }

    /// <summary>Whether a byte of the answer is, or will be, on its way: no other one can take its place.</summary>
    public bool HasBegun => response.HasStarted || spool is { HasBegun: true };

    /// <summary>The client has sent everything: from now on it must read.</summary>
    public void BodyIsRead()
    {
        spool?.Release();
        rate?.MinDataRate = usualRate;
    }

    /// <summary>Everything is written; returns when it is sent.</summary>
    public Task CompleteAsync() => spool?.CompleteAsync() ?? Task.CompletedTask;

    public ValueTask DisposeAsync() => spool?.DisposeAsync() ?? ValueTask.CompletedTask;
}
