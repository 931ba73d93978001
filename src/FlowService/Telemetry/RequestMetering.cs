using FlowService.Batching;

namespace FlowService.Telemetry;

/// <summary>Counts every request to an operation, whatever becomes of it. It stands outside of the error handling.</summary>
internal sealed class RequestMetering(RequestDelegate next, FlowMetrics metrics, TimeProvider time)
{
    public async Task InvokeAsync(HttpContext http)
    {
        if (http.GetEndpoint()?.Metadata.GetMetadata<OperationMetadata>() is not { } metadata)
        {
            await next(http);
            return;
        }
        var facts = new RequestFacts(metadata.Operation, time);
        http.Features.Set(facts);
        ServerTiming.Announce(http, facts);
        bool failed = true;
        try
        {
            await next(http);
            failed = false;
        }
        finally
        {
            // An exception that comes this far broke an answer that had begun.
            string outcome = Outcome(http, failed);
            ServerTiming.Append(http, facts);
            metrics.Answered(facts, outcome, time.GetElapsedTime(facts.Began));
            if (outcome == Outcomes.Aborted || facts.Reason is not null)
                metrics.Rejected(facts, facts.Reason = outcome == Outcomes.Aborted ? Outcomes.ClientGone : facts.Reason!);
            FlowTracing.Answered(facts, time);
        }
    }

    private static string Outcome(HttpContext http, bool failed)
    {
        if (http.RequestAborted.IsCancellationRequested || http.Response.StatusCode == StatusCodes.Status499ClientClosedRequest)
            return Outcomes.Aborted;
        string outcome = Outcomes.Of(http.Response.StatusCode);
        return failed && outcome == Outcomes.Success ? Outcomes.Fault : outcome;
    }
}

/// <summary>Marks the endpoint of an operation.</summary>
internal sealed record OperationMetadata(Operation Operation);

/// <summary>What became of a request, in the words of the metrics.</summary>
internal static class Outcomes
{
    public const string Success = "2xx", Refused = "4xx", Fault = "5xx", Aborted = "aborted";

    /// <summary>The reason of a request whose client did not wait.</summary>
    public const string ClientGone = "client_gone";

    public static string Of(int status) => status switch
    {
        >= 500 => Fault,
        >= 400 => Refused,
        _ => Success,
    };
}
