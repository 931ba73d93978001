using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using CsCheck;
using FlowRows.Buffers;
using FlowService.Errors;
using FlowService.Limits;
using FlowService.Requests;

namespace FlowService.Tests.Requests;

/// <summary>Rows in any spelling that JSON allows, and damaged ones, compared with the framework's own parser.</summary>
public sealed class RowsPropertyTests
{
    private static readonly Gen<string> Blank = OneOf("", "", "", " ", "\n", "\t ", "\r\n  ");

    private static readonly Gen<string> Number = Gen.OneOf(
        Gen.Float[-1000, 1000].Select(value => value.ToString("R", CultureInfo.InvariantCulture)),
        Gen.Double[-1e5, 1e5].Select(value => value.ToString("R", CultureInfo.InvariantCulture)),
        Gen.Int[-99, 99].Select(value => value.ToString(CultureInfo.InvariantCulture)),
        OneOf("1e5", "-2.5E-3", "1E+2", "0.0", "-0", "123456789012345678901234567890", "0.00000000000000000000000000001234"));

    private static Gen<string> Rows(Gen<string> blank, int width, int most) =>
        Gen.Select(blank, Gen.Select(blank, Number, blank, (a, number, b) => a + number + b).Array[width].Select(values => $"[{string.Join(',', values)}]"), blank, (a, row, b) => a + row + b)
            .Array[1, most].Select(rows => $"[{string.Join(',', rows)}]");

    // Wide rows without blanks are read many numbers at a time; the shortest end of a body is known at a glance.
    private static readonly Gen<(string Body, int Width)> Body = Gen.OneOf(
        Rows(Blank, 3, 20).Select(rows => ($$"""{"x":{{rows}},"model":"m"}""", 3)),
        Gen.Int[1, 60].SelectMany(width => Rows(OneOf(""), width, 3).Select(rows => ($$"""{"model":"m","x":{{rows}}}""", width))));

    private readonly RowPool pool = new();

    [Fact]
    public void Every_spelling_gives_the_numbers_that_the_framework_reads() =>
        Gen.Select(Body, Gen.Int[1, 400]).Sample((sent, piece) =>
        {
            (string body, int width) = sent;
            float[] expected = [.. JsonDocument.Parse(body).RootElement.GetProperty("x").EnumerateArray().SelectMany(row => row.EnumerateArray()).Select(v => v.GetSingle())];
            using RowRequest request = Parse(Encoding.UTF8.GetBytes(body), piece);
            Assert.Equal(expected, request.Rows!.Values.Span.ToArray());
            Assert.Equal((width, expected.Length / width), (request.Rows.Width, request.Rows.Rows));
            Assert.Equal("m", request.Model);
        }, iter: 2000);

    [Fact]
    public void A_damaged_body_is_refused_unless_the_framework_takes_it_too() =>
        Gen.Select(Body, Gen.Int[0, 10_000], OneOf(",", "]", "[", "-", ".", "e", "0", "}", "\"", " ", "x", ""), Gen.Int[1, 400]).Sample((sent, at, insert, piece) =>
        {
            string body = sent.Body;
            int place = at % body.Length;
            string damaged = insert.Length == 0 ? body.Remove(place, 1) : body.Insert(place, insert);
            try
            {
                using RowRequest request = Parse(Encoding.UTF8.GetBytes(damaged), piece);
                JsonDocument.Parse(damaged); // throws where we took what is no JSON
            }
            catch (Exception e) when (ProblemMapping.ToRefusal(e) is not null)
            {
                // refused: no harm done
            }
            Assert.Equal(0, pool.Outstanding);
        }, iter: 5000, threads: 1);

    private static Gen<string> OneOf(params string[] texts) => Gen.Int[0, texts.Length - 1].Select(i => texts[i]);

    private RowRequest Parse(byte[] utf8, int pieceLength)
    {
        var request = new RowRequest();
        var parser = new JsonRequestParser(request, RequestFields.LogProb, new LimitsOptions().ForRows, pool);
        try
        {
            byte[] rest = [];
            for (int start = 0; start < utf8.Length; start += pieceLength)
            {
                bool isLast = start + pieceLength >= utf8.Length;
                var piece = new ReadOnlySequence<byte>([.. rest, .. utf8.AsSpan(start, Math.Min(pieceLength, utf8.Length - start))]);
                rest = piece.Slice(parser.Take(piece, isLast)).ToArray();
            }
            return request;
        }
        catch
        {
            request.Dispose();
            throw;
        }
    }
}
