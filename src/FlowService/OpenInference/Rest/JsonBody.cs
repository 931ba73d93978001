using FlowService.Requests;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FlowService.OpenInference.Rest;

/// <summary>JSON with exactly <c>application/json</c>: clients of the protocol compare the whole header, and would lose "; charset=utf-8".</summary>
internal static class JsonBody
{
    public static JsonHttpResult<T> Of<T>(T value) => TypedResults.Json(value, contentType: MediaTypes.Json);

    public static Task WriteAsync<T>(HttpResponse response, T value) => Of(value).ExecuteAsync(response.HttpContext);
}
