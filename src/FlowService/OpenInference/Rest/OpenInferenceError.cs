using Microsoft.AspNetCore.Mvc;

namespace FlowService.OpenInference.Rest;

/// <summary>The body of every answer under /v2 that is not a success.</summary>
/// <param name="Error">What is wrong, where, and the remedy.</param>
internal sealed record OpenInferenceError(string Error)
{
    private static readonly PathString Root = "/v2";

    /// <summary>Whether a request is one of this protocol, whose errors have this form.</summary>
    public static bool IsFormOf(HttpRequest request) => request.Path.StartsWithSegments(Root);

    /// <summary>Writes a problem: its status, but 400 for all that the client has to change in its request.</summary>
    public static Task WriteAsync(HttpContext http, ProblemDetails problem)
    {
        int status = problem.Status ?? StatusCodes.Status500InternalServerError;
        http.Response.StatusCode = status == StatusCodes.Status422UnprocessableEntity ? StatusCodes.Status400BadRequest : status;
        string detail = problem.Detail ?? problem.Title ?? "";
        return JsonBody.WriteAsync(http.Response, new OpenInferenceError(problem.Extensions.TryGetValue("trace_id", out object? trace) ? $"{detail} ({trace})" : detail));
    }
}
