using FlowService.Errors;
using Microsoft.Net.Http.Headers;

namespace FlowService.Wire;

/// <summary>The media types of requests and answers.</summary>
internal static class MediaTypes
{
    public const string Json = "application/json";

    private static readonly MediaTypeHeaderValue JsonType = new(Json);

    /// <summary>Refuses a body that cannot be read (415), and a client that would not read the answer (406).</summary>
    public static void Check(HttpRequest request)
    {
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out MediaTypeHeaderValue? type) || !type.MediaType.Equals(Json, StringComparison.OrdinalIgnoreCase)
            || (type.Charset.HasValue && !type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase)))
            throw new RequestException(ProblemKind.UnsupportedMediaType,
                $"the body is {request.ContentType ?? "of no stated type"}; send Content-Type: {Json} (in UTF-8)");
        if (request.Headers.ContentEncoding is [var encoding, ..] && !string.Equals(encoding, "identity", StringComparison.OrdinalIgnoreCase))
            throw new RequestException(ProblemKind.UnsupportedMediaType, $"the body is encoded as {encoding}; send it without Content-Encoding");
        if (request.Headers.Accept.Count > 0 && !Accepts(request))
            throw new RequestException(ProblemKind.NotAcceptable, $"the answer is {Json}, and the header Accept names only {request.Headers.Accept}");
    }

    private static bool Accepts(HttpRequest request) =>
        MediaTypeHeaderValue.TryParseList(request.Headers.Accept, out IList<MediaTypeHeaderValue>? accepted)
        && accepted.Any(range => JsonType.IsSubsetOf(range) && range.Quality is not 0);
}
