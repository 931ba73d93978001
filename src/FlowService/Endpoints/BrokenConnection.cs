using System.IO.Pipelines;
using FlowRows;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace FlowService.Endpoints;

/// <summary>
/// The end of a connection whose answer breaks off, such that what is written arrives. Kestrel's Abort drops what it has not sent yet,
/// and a socket that is closed before it has read everything resets the connection, which drops what is on its way: so the rest of the body
/// is read first, and the output is completed below HTTP, where its last bytes are sent and no end of an answer is written.
/// </summary>
internal static class BrokenConnection
{
    private static readonly TimeSpan TimeToRead = TimeSpan.FromSeconds(30), TimeToClose = TimeSpan.FromSeconds(5),
        TimeToTake = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Whether reading or writing failed since the client has left. A reader of the body may see it before the request's token tells of it.
    /// </summary>
    public static bool IsCauseOf(Exception exception) => exception is ConnectionResetException or ConnectionAbortedException;

    /// <summary>Reads what the client still sends, for some time: many clients read nothing before they have sent everything.</summary>
    public static async Task ReadRestAsync(HttpContext http)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        patience.CancelAfter(TimeToRead);
        try
        {
            PipeReader body = http.Request.BodyReader;
            ReadResult read;
            do
            {
                read = await body.ReadAsync(patience.Token);
                body.AdvanceTo(read.Buffer.End);
            }
            while (!read.IsCompleted);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or RowFault)
        {
            // Nothing that can be read comes any more.
        }
    }

    /// <summary>Sends what is written, closes the connection, and lets nothing follow.</summary>
    public static async Task CloseAsync(HttpContext http)
    {
        // A connection of HTTP/2 carries other calls, and resets one alone. At that a client forgets what it has of the answer and did
        // not look at yet: it is given some time.
        IConnectionTransportFeature? own = HttpProtocol.IsHttp11(http.Request.Protocol) ? http.Features.Get<IConnectionTransportFeature>() : null;
        if (own is not null)
            await own.Transport.Output.CompleteAsync();
        await Task.Delay(own is null ? TimeToTake : TimeToClose, http.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        http.Abort();
    }
}
