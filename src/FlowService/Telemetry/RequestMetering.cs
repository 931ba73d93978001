using FlowService.Batching;

namespace FlowService.Telemetry;

/// <summary>Counts every request to an operation, whatever becomes of it. It stands outside of the error handling.</summary>
internal sealed class RequestMetering(RequestDelegate next, FlowMetrics metrics, TimeProvider time)
{
    private const string Aborted = "aborted";

    public async Task InvokeAsync(HttpContext http)
    {
        if (http.GetEndpoint()?.Metadata.GetMetadata<OperationMetadata>() is not { } metadata)
        {
            await next(http);
            return;
        }
        var facts = new RequestFacts(metadata.Operation);
        http.Features.Set(facts);
        long began = time.GetTimestamp();
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
            metrics.Answered(facts, outcome, time.GetElapsedTime(began));
            if (outcome == Aborted || facts.Reason is not null)
                metrics.Rejected(facts, outcome == Aborted ? "client_gone" : facts.Reason!);
        }
    }

    private static string Outcome(HttpContext http, bool failed) => http.Response.StatusCode switch
    {
        _ when http.RequestAborted.IsCancellationRequested => Aborted,
        >= 500 => "5xx",
        >= 400 => "4xx",
        _ => failed ? "5xx" : "2xx",
    };
}

/// <summary>Marks the endpoint of an operation.</summary>
internal sealed record OperationMetadata(Operation Operation);
