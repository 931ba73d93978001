using System.Diagnostics;
using System.Globalization;
using FlowService.Endpoints;
using FlowService.OpenInference.Grpc;
using FlowService.OpenInference.Rest;
using FlowService.Telemetry;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using JsonOptions = Microsoft.AspNetCore.Http.Json.JsonOptions;

namespace FlowService.Errors;

/// <summary>
/// Answers with <c>application/problem+json</c>, whatever the client said that it accepts; under /v2 in that protocol's own form.
/// </summary>
internal sealed class ProblemHandler(IOptions<JsonOptions> json, ILogger<ProblemHandler> logger) : IExceptionHandler
{
    private const string MediaType = "application/problem+json";

    public async ValueTask<bool> TryHandleAsync(HttpContext http, Exception exception, CancellationToken cancellation)
    {
        if (http.RequestAborted.IsCancellationRequested || BrokenConnection.IsCauseOf(exception))
        {
            http.Abort(); // else the server would try to read the rest of the body
            http.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
            return true;
        }
        ProblemDetails problem = ProblemMapping.ToProblem(exception);
        http.Features.Get<RequestFacts>()?.Reason = ProblemMapping.Reason(problem);
        if (problem.Status >= 500 && exception is not RequestException)
        {
            logger.RequestFailed(http.Request.Path, exception);
            problem.Extensions["trace_id"] = Activity.Current?.TraceId.ToString() ?? http.TraceIdentifier;
        }
        else
        {
            logger.RequestRefused(http.Request.Path, problem.Status ?? 0, problem.Type);
        }
        if (problem.Status == StatusCodes.Status401Unauthorized)
            http.Response.Headers.WWWAuthenticate = "Bearer";
        if (exception is RequestException { RetryAfter: { } seconds })
            http.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        try
        {
            await WriteAsync(http, problem);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // Whom it was written for has left meanwhile: no failure of the handler.
        }
        return true;
    }

    /// <summary>Gives the framework's own bare 404, 405, 415, ... a body.</summary>
    public Task HandleStatus(StatusCodeContext context)
    {
        HttpContext http = context.HttpContext;
        int status = http.Response.StatusCode;
        if (status == StatusCodes.Status499ClientClosedRequest || Methods.TryAnswer(http))
            return Task.CompletedTask;
        if (status is not (StatusCodes.Status404NotFound or StatusCodes.Status405MethodNotAllowed) || !UnservedCalls.IsFormOf(http.Request))
            return WriteAsync(http, ProblemMapping.ToProblem(status, http.Request));
        UnservedCalls.Refuse(http);
        return Task.CompletedTask;
    }

    private Task WriteAsync(HttpContext http, ProblemDetails problem)
    {
        if (UnservedCalls.IsFormOf(http.Request))
        {
            UnservedCalls.Refuse(http, StatusInterceptor.CodeOf(problem.Status), problem.Detail ?? problem.Title ?? "");
            return Task.CompletedTask;
        }
        if (OpenInferenceError.IsFormOf(http.Request))
            return OpenInferenceError.WriteAsync(http, problem);
        http.Response.StatusCode = problem.Status ?? StatusCodes.Status500InternalServerError;
        return http.Response.WriteAsJsonAsync(problem, json.Value.SerializerOptions, MediaType, http.RequestAborted);
    }
}
