namespace FlowService.Endpoints;

/// <summary>HEAD is answered wherever GET is, and OPTIONS wherever anything is, without an endpoint having to say so.</summary>
internal static class Methods
{
    /// <summary>Finds the endpoint. HEAD is a GET whose answer the server keeps to itself, which it does by the method on the wire.</summary>
    public static void UseMethods(this WebApplication app)
    {
        app.Use((http, next) =>
        {
            if (HttpMethods.IsHead(http.Request.Method))
                http.Request.Method = HttpMethods.Get;
            return next(http);
        });
        app.UseRouting();
    }

    /// <summary>
    /// Makes the list of methods in the answer to one that an address does not take complete. Where the client asked for nothing but
    /// the list, it is the answer.
    /// </summary>
    /// <returns>Whether the request is answered.</returns>
    public static bool TryAnswer(HttpContext http)
    {
        if (http.Response.StatusCode != StatusCodes.Status405MethodNotAllowed)
            return false;
        IEnumerable<string> allowed = http.Response.Headers.Allow.ToString().Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (allowed.Contains(HttpMethods.Get))
            allowed = allowed.Append(HttpMethods.Head);
        http.Response.Headers.Allow = string.Join(", ", allowed.Append(HttpMethods.Options).Distinct().Order(StringComparer.Ordinal));
        if (!HttpMethods.IsOptions(http.Request.Method))
            return false;
        http.Response.StatusCode = StatusCodes.Status204NoContent;
        return true;
    }
}
