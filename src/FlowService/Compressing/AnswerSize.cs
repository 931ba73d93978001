using FlowRows.Answers;

namespace FlowService.Compressing;

/// <summary>About how large an answer is going to be, known before its first byte is written.</summary>
/// <param name="Bytes">Its bytes, uncompressed.</param>
internal sealed record AnswerSize(long Bytes)
{
    private const int BytesOfText = 11; // nine digits, a sign or a point, and what stands between

    /// <summary>Whether anybody asks: the client may take the answer compressed.</summary>
    public static bool Matters(HttpContext http) => http.Request.Headers.AcceptEncoding.Count > 0;

    /// <summary>Of so many numbers as text.</summary>
    public static AnswerSize OfText(long values) => new(values * BytesOfText);

    /// <summary>Of rows as text, to judge by the first of them. Where nobody knows how many there are, they may be very many.</summary>
    public static AnswerSize OfText(Answer<float> first, long? rows) =>
        rows is { } count ? OfText(count * first.Columns.Sum(column => column.Width)) : new(long.MaxValue);
}
