using FlowService.Errors;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace FlowService.Wire;

/// <summary>The media types of requests and answers.</summary>
internal static class MediaTypes
{
    public const string Json = "application/json", Png = "image/png", Binary = "application/octet-stream";

    /// <summary>Whether the request brings a body at all.</summary>
    public static bool HasBody(HttpRequest request) =>
        request.ContentLength > 0 || (request.ContentLength is null && request.HttpContext.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody is true);

    /// <summary>Whether the query says it all: samples need no body.</summary>
    public static bool IsQueryAlone(HttpRequest request, RequestField fields) =>
        fields.HasFlag(RequestField.Count) && request.ContentType is null && !HasBody(request);

    /// <summary>The format of the rows that a body brings; null for JSON.</summary>
    /// <exception cref="RequestException">The body cannot be read: 415.</exception>
    public static RowFormat? OfBody(HttpRequest request, RequestField fields)
    {
        if (IsQueryAlone(request, fields))
            return null;
        string[] known = fields.HasFlag(RequestField.Dtype) ? [Json, .. RowFormat.All.Select(format => format.MediaType)] : [Json];
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out MediaTypeHeaderValue? type) || !known.Contains(type.MediaType.Value, StringComparer.OrdinalIgnoreCase)
            || (type.Charset.HasValue && !type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase)))
            throw new RequestException(ProblemKind.UnsupportedMediaType,
                $"the body is {request.ContentType?.Shown() ?? "of no stated type"}; send it as Content-Type: {string.Join(" or ", known)} (in UTF-8)");
        CheckEncoding(request);
        return RowFormat.Of(type.MediaType.Value);
    }

    /// <summary>Refuses a body that nothing has decompressed: 415.</summary>
    public static void CheckEncoding(HttpRequest request)
    {
        if (request.Headers.ContentEncoding is [var encoding, ..] && !string.Equals(encoding, "identity", StringComparison.OrdinalIgnoreCase))
            throw new RequestException(ProblemKind.UnsupportedMediaType, $"the body is encoded as {encoding!.Shown()}; gzip, deflate and br are read");
    }

    /// <summary>The media types that an answer can have: that of the body first.</summary>
    public static string[] Offered(RowRequest request, RequestField fields, bool pictures)
    {
        string[] rows = fields.HasFlag(RequestField.Dtype) ? [.. RowFormat.All.Select(format => format.MediaType)] : [];
        return [.. new[] { request.Body?.MediaType ?? Json, Json }.Concat(rows).Concat(pictures ? [Png] : []).Distinct()];
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
