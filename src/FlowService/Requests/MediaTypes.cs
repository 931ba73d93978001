using FlowRows;
using FlowService.Errors;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace FlowService.Requests;

/// <summary>The media types of requests and answers.</summary>
internal static class MediaTypes
{
    public const string Json = "application/json", Png = "image/png", Npy = "application/x-npy", Binary = "application/octet-stream", Wav = "audio/wav", Form = "multipart/form-data";

    // Names that WAV had before it had one (RFC 2361), and still has among browsers.
    private static readonly string[] WavNames = [Wav, "audio/x-wav", "audio/wave", "audio/vnd.wave"];

    private const string Present = "present", Absent = "absent";

    private static readonly string[] Utf8Names = ["utf-8", "utf8", "us-ascii", "ascii"];

    /// <summary>Whether the request brings a body at all.</summary>
    public static bool HasBody(HttpRequest request) =>
        request.ContentLength > 0
        || (request.ContentLength is null && request.HttpContext.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody is true);

    /// <summary>Whether the query says it all: samples need no body.</summary>
    public static bool IsQueryAlone(HttpRequest request, FieldSet fields) =>
        fields.Has(RequestFields.Count) && request.ContentType is null && !HasBody(request);

    /// <summary>The format of the rows that a body brings; null for JSON.</summary>
    /// <exception cref="RequestException">The body cannot be read: 415.</exception>
    public static RowFormat? OfBody(HttpRequest request, FieldSet fields)
    {
        if (request.ContentType == Json)
        {
            CheckEncoding(request);
            return null;
        }
        if (IsQueryAlone(request, fields))
            return null;
        RowFormat? format = null;
        if (Stated(request) is not { } type
            || !(IsJson(type) || (TakesRows(fields) && (format = RowFormats.ToRead(type.MediaType.Value)) is not null))
            || !IsUtf8(type))
            throw new RequestException(ProblemKind.UnsupportedMediaType,
                $"the body is {(string.IsNullOrEmpty(request.ContentType) ? "of no stated type" : request.ContentType.Shown())}; send it as Content-Type: {string.Join(" or ", Known(fields))} (in UTF-8)");
        CheckEncoding(request);
        return format;
    }

    /// <summary>Whether the body is rows and their contexts as the parts of a form, of an operation on rows.</summary>
    public static bool IsForm(HttpRequest request, FieldSet fields) =>
        TakesForms(fields) && Stated(request) is { } type && type.MediaType.Equals(Form, StringComparison.OrdinalIgnoreCase);

    /// <summary>What stands between the parts of a form; null or empty where its type does not say so.</summary>
    public static string? BoundaryOf(HttpRequest request) => HeaderUtilities.RemoveQuotes(Stated(request)!.Boundary).Value;

    /// <summary>Whether an operation takes data rows, which may have a context beside them.</summary>
    public static bool TakesForms(FieldSet fields) => TakesRows(fields) && fields.Has(RequestFields.X);

    /// <summary>Whether the body is a sound.</summary>
    public static bool IsWav(HttpRequest request) => Stated(request) is { } type && WavNames.Contains(type.MediaType.Value, StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether the client asks for a sound by name.</summary>
    public static bool WantsWav(HttpRequest request) =>
        Accepted(request).Any(range => range.Quality != 0 && WavNames.Contains(range.MediaType.Value, StringComparer.OrdinalIgnoreCase));

    /// <summary>Whether the body is an array of NumPy.</summary>
    public static bool IsNpy(HttpRequest request) => Stated(request) is { } type && type.MediaType.Equals(Npy, StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether a body's first line holds names, as its content type says (RFC 4180, section 3); null where it says nothing.</summary>
    public static bool? HasHeader(HttpRequest request)
    {
        string? header = HeaderOf(Stated(request)!);
        return header switch
        {
            null => null,
            Present => true,
            Absent => false,
            _ => throw new RequestException(ProblemKind.InvalidArgument, $"Content-Type: header must be present or absent; it is '{header.Shown()}'") { Field = "header" },
        };
    }

    /// <summary>Refuses a body that nothing has decompressed: 415.</summary>
    public static void CheckEncoding(HttpRequest request)
    {
        if (request.Headers.ContentEncoding is [{ Length: > 0 } encoding, ..] && !string.Equals(encoding, "identity", StringComparison.OrdinalIgnoreCase))
            throw new RequestException(ProblemKind.UnsupportedMediaType, $"the body is encoded as {encoding.Shown()}; gzip, deflate and br are read");
    }

    /// <summary>The media types that an answer can have: that of the body first.</summary>
    public static string[] Offered(RowRequest request, FieldSet fields, bool pictures)
    {
        IEnumerable<string> rows = fields.Has(RequestFields.Dtype) ? RowFormats.Streamed.Select(format => format.MediaType) : [];
        // A picture is answered by a picture where that is what the answer is, else by numbers.
        string first = request.Body is null || (request.Body == RowFormats.Picture && !pictures) ? Json : request.Body.MediaType;
        return [.. new[] { first, Json }.Concat(rows).Concat(pictures ? [Png] : []).Distinct()];
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
        if (IsAnything(request))
            return offered[0];
        IList<MediaTypeHeaderValue> accepted = Accepted(request);
        string best = offered.MaxBy(type => Quality(type, accepted))!;
        return Quality(best, accepted) > 0
            ? best
            : throw new RequestException(ProblemKind.NotAcceptable,
                $"the answer is {string.Join(" or ", offered)}{reason}, and the header Accept names only {request.Headers.Accept.ToString().Shown()}");
    }

    /// <summary>Whether the client wants CSV without a first line of names, as it says in the parameter of RFC 4180.</summary>
    public static bool WantsNoHeader(HttpRequest request) =>
        Closest(RowFormats.Csv.MediaType, Accepted(request)) is { } range && HeaderOf(range) == Absent;

    /// <summary>Whether the client takes whatever comes, as most do.</summary>
    public static bool IsAnything(HttpRequest request) => request.Headers.Accept is [] or ["*/*"] or [""];

    private static IList<MediaTypeHeaderValue> Accepted(HttpRequest request) =>
        MediaTypeHeaderValue.TryParseList(request.Headers.Accept, out IList<MediaTypeHeaderValue>? accepted) ? accepted : [];

    // Some clients write a semicolon with nothing behind it.
    private static MediaTypeHeaderValue? Stated(HttpRequest request) =>
        MediaTypeHeaderValue.TryParse(request.ContentType?.TrimEnd(' ', ';'), out MediaTypeHeaderValue? type) ? type : null;

    private static bool IsJson(MediaTypeHeaderValue type) => type.MediaType.Equals(Json, StringComparison.OrdinalIgnoreCase);

    private static bool TakesRows(FieldSet fields) => fields.Has(RequestFields.Dtype);

    private static string[] Known(FieldSet fields) =>
        [Json, .. TakesRows(fields) ? RowFormats.Streamed.Select(format => format.MediaType).Append(Png) : [], .. TakesForms(fields) ? (string[])[Form] : []];

    private static double Quality(string type, IList<MediaTypeHeaderValue> accepted) => Closest(type, accepted) is { } closest ? closest.Quality ?? 1 : 0;

    // The most specific range that covers a type decides (RFC 9110, section 12.5.1): "image/png;q=0, */*" is everything but PNG.
    private static MediaTypeHeaderValue? Closest(string type, IList<MediaTypeHeaderValue> accepted) => accepted.Where(range => Covers(range, type))
        .OrderBy(range => range.MatchesAllTypes ? 3 : range.MatchesAllSubTypes ? 2 : HeaderOf(range) is null ? 1 : 0)
        .FirstOrDefault();

    // Parameters that a type does not have say nothing.
    private static bool Covers(MediaTypeHeaderValue range, string type) =>
        range.MatchesMediaType(type) && IsUtf8(range) && (HeaderOf(range) is null or Present or Absent);

    /// <summary>Whether a text is in the one charset that is read and written, by any of the names that it and its older part have.</summary>
    private static bool IsUtf8(MediaTypeHeaderValue type) =>
        !type.Charset.HasValue || Utf8Names.Contains(HeaderUtilities.RemoveQuotes(type.Charset).ToString(), StringComparer.OrdinalIgnoreCase);

    private static string? HeaderOf(MediaTypeHeaderValue type) => type.Parameters
        .FirstOrDefault(parameter => parameter.Name.Equals("header", StringComparison.OrdinalIgnoreCase))?.Value.Value?.Trim('"').ToLowerInvariant();
}
