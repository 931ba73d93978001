namespace FlowService.Telemetry;

/// <summary>
/// The header Server-Timing: what the stages of a request took, in milliseconds, up to the answer's first byte. Where the protocol has trailers
/// (HTTP/2), it comes once more behind the answer, for the whole.
/// </summary>
internal static class ServerTiming
{
    public const string Name = "Server-Timing";

    // The context of the request's trace, as W3C names it, so that a client finds the trace that the service has begun.
    private const string TraceResponse = "traceresponse";

    /// <summary>Has the header written when the answer begins.</summary>
    public static void Announce(HttpContext http, RequestFacts facts)
    {
        http.Response.OnStarting(static state =>
        {
            var (response, facts) = ((HttpResponse, RequestFacts))state;
            response.Headers[Name] = facts.Times().ToHeader();
            if (facts.Activity?.Id is { } id)
                response.Headers[TraceResponse] = id;
            return Task.CompletedTask;
        }, (http.Response, facts));
        if (http.Response.SupportsTrailers())
            http.Response.DeclareTrailer(Name);
    }

    /// <summary>Has the trailer written when the answer has ended.</summary>
    public static void Append(HttpContext http, RequestFacts facts)
    {
        if (http.Response.HasStarted && http.Response.SupportsTrailers() && !http.RequestAborted.IsCancellationRequested)
            http.Response.AppendTrailer(Name, facts.Times().ToHeader());
    }
}
