using FlowService.Errors;
using Microsoft.Net.Http.Headers;

namespace FlowService.Wire;

/// <summary>The media types of requests and answers.</summary>
internal static class MediaTypes
{
    public const string Json = "application/json", Png = "image/png", Binary = "application/octet-stream";

    /// <summary>Refuses a body that cannot be read: 415.</summary>
    public static void CheckBody(HttpRequest request)
    {
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out MediaTypeHeaderValue? type) || !type.MediaType.Equals(Json, StringComparison.OrdinalIgnoreCase)
            || (type.Charset.HasValue && !type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase)))
            throw new RequestException(ProblemKind.UnsupportedMediaType,
                $"the body is {request.ContentType ?? "of no stated type"}; send Content-Type: {Json} (in UTF-8)");
        CheckEncoding(request);
    }

    /// <summary>Refuses a body that nothing has decompressed: 415.</summary>
    public static void CheckEncoding(HttpRequest request)
    {
        if (request.Headers.ContentEncoding is [var encoding, ..] && !string.Equals(encoding, "identity", StringComparison.OrdinalIgnoreCase))
            throw new RequestException(ProblemKind.UnsupportedMediaType, $"the body is encoded as {encoding}; send it without Content-Encoding");
    }

    /// <summary>
    /// The type among those <paramref name="offered"/> that the client likes best, the first of equals. A client without Accept
    /// takes the first.
    /// </summary>
    /// <param name="request">Its header Accept is asked.</param>
    /// <param name="offered">What the answer can be, the usual type first.</param>
    /// <param name="reason">Why nothing else is offered, for the message.</param>
    /// <exception cref="RequestException">The client would read none of them: 406.</exception>
    public static string Choose(HttpRequest request, string[] offered, string reason = "")
    {
        if (request.Headers.Accept.Count == 0)
            return offered[0];
        _ = MediaTypeHeaderValue.TryParseList(request.Headers.Accept, out IList<MediaTypeHeaderValue>? accepted);
        string best = offered.MaxBy(type => Quality(type, accepted ?? []))!;
        return Quality(best, accepted ?? []) > 0
            ? best
            : throw new RequestException(ProblemKind.NotAcceptable,
                $"the answer is {string.Join(" or ", offered)}{reason}, and the header Accept names only {request.Headers.Accept.ToString().Shown()}");
    }

    // The most specific range that covers a type decides (RFC 9110, section 12.5.1): "image/png;q=0, */*" is everything but PNG.
    private static double Quality(string type, IList<MediaTypeHeaderValue> accepted)
    {
        var exact = new MediaTypeHeaderValue(type);
        return accepted.Where(exact.IsSubsetOf)
            .OrderBy(range => range.MatchesAllTypes ? 2 : range.MatchesAllSubTypes ? 1 : 0)
            .FirstOrDefault() is { } closest ? closest.Quality ?? 1 : 0;
    }
}
