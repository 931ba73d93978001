namespace FlowService.Security;

/// <summary>What browsers are told: to guess no media type, and of pages that they load nothing from elsewhere and stand in no frame.</summary>
internal static class PageHeaders
{
    // The page's scripts are files of its own; its pictures and styles stand partly in it.
    private const string Policy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; object-src 'none'; base-uri 'self'; frame-ancestors 'none'";

    public static void UsePageHeaders(this WebApplication app) => app.Use((http, next) =>
    {
        http.Response.OnStarting(static state => Set((HttpResponse)state), http.Response);
        return next(http);
    });

    private static Task Set(HttpResponse response)
    {
        IHeaderDictionary headers = response.Headers;
        headers.XContentTypeOptions = "nosniff";
        if (response.ContentType?.StartsWith("text/html", StringComparison.Ordinal) == true)
        {
            if (headers.ContentSecurityPolicy.Count == 0) // else the page has a stricter one of its own
                headers.ContentSecurityPolicy = Policy;
            headers.XFrameOptions = "DENY";
            headers["Referrer-Policy"] = "no-referrer";
            headers.CacheControl = "no-store";
        }
        return Task.CompletedTask;
    }
}
