using System.Buffers;
using System.Text;
using FlowRows.Buffers;
using FlowService.Errors;
using FlowService.Limits;
using FlowService.Requests;

namespace FlowService.Tests.Requests;

/// <summary>However the network cuts a body, it parses the same.</summary>
public sealed class JsonRequestParserTests
{
    private const string Body =
        """
        {"x" : [[1.5, -2e-3,0],[ 12345.678,-0.0,1E2 ]], "model":"a\u00e9\nb","version":12,
         "context":[[1,2],[3,4]], "include":["z", "log_det"], "timeout_ms": 250}
        """;

    private readonly RowPool pool = new();

    [Fact]
    public void A_body_cut_at_any_byte_parses_the_same()
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(Body);
        for (int cut = 0; cut <= utf8.Length; cut++)
            Check(Parse(utf8[..cut], utf8[cut..]));
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void A_body_that_comes_byte_by_byte_parses_the_same()
    {
        Check(Parse([.. Encoding.UTF8.GetBytes(Body).Select(each => new[] { each })]));
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void A_body_in_one_piece_of_many_segments_parses_the_same()
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(Body);
        for (int size = 1; size < 8; size++)
        {
            using var request = new RowRequest();
            Parser(request).Take(Segment.Sequence(utf8.Chunk(size)), isLast: true);
            Check(request);
        }
    }

    [Theory]
    [InlineData("""{"x":[[1,2],[3,NaN]]}""", "row 1, column 1 is NaN")]
    [InlineData("""{"x":[[1,-Infinity]]}""", "row 0, column 1 is -Infinity")]
    [InlineData("""{"x":[[1,null]]}""", "row 0, column 1 is null")]
    [InlineData("""{"x":[[1,1e99]]}""", "row 0, column 1 is too large")]
    [InlineData("""{"x":[[1,2]],"x":1}""", "given twice")]
    [InlineData("""{"x":[[1,2]],"xy":1}""", "'xy' is unknown")]
    public void A_fault_is_found_wherever_the_body_is_cut(string body, string words)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(body);
        for (int cut = 0; cut <= utf8.Length; cut++)
        {
            RequestException refused = Refused(() => Parse(utf8[..cut], utf8[cut..]).Dispose());
            Assert.Contains(words, refused.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("[", 100_000)]
    [InlineData("""{"x":""", 100_000)]
    [InlineData("""{"x":[[[""", 1)]
    public void Deep_nesting_is_refused_at_once(string opening, int times)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(opening, times)));
        Refused(() => Parse(utf8).Dispose());
    }

    [Theory]
    [InlineData("0.5", 1)]
    [InlineData("[0,1,2]", 3)]
    [InlineData("[[0],[1]]", 2)]
    public void Context_may_be_flat(string context, int values)
    {
        using RowRequest request = Parse(Encoding.UTF8.GetBytes($$"""{"context":{{context}},"model":"m"}"""));

        Assert.Equal(values, request.Context!.Values.Length);
        Assert.Equal("m", request.Model);
    }

    private static RequestException Refused(Action parse) => Assert.IsType<RequestException>(ProblemMapping.ToRefusal(Assert.ThrowsAny<Exception>(parse)));

    private static void Check(RowRequest request)
    {
        using (request)
        {
            Assert.Equal((float[])[1.5f, -2e-3f, 0, 12345.678f, -0f, 100], request.Rows!.Values.Span.ToArray());
            Assert.Equal((2, 3), (request.Rows.Rows, request.Rows.Width));
            Assert.Equal((float[])[1, 2, 3, 4], request.Context!.Values.Span.ToArray());
            Assert.Equal("a\u00e9\nb", request.Model);
            Assert.Equal((12, 250), (request.Version, request.TimeoutMs));
            Assert.Equal(["z", "log_det"], request.Include!);
        }
    }

    private JsonRequestParser Parser(RowRequest request) => new(request, RequestFields.LogProb, new LimitsOptions().ForRows, pool);

    /// <summary>Feeds the pieces as a pipe does: what was not consumed comes again with the next piece.</summary>
    private RowRequest Parse(params byte[][] pieces)
    {
        var request = new RowRequest();
        JsonRequestParser parser = Parser(request);
        try
        {
            byte[] rest = [];
            for (int i = 0; i < pieces.Length; i++)
            {
                var piece = new ReadOnlySequence<byte>([.. rest, .. pieces[i]]);
                rest = piece.Slice(parser.Take(piece, i == pieces.Length - 1)).ToArray();
            }
            return request;
        }
        catch
        {
            request.Dispose();
            throw;
        }
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public static ReadOnlySequence<byte> Sequence(IEnumerable<byte[]> chunks)
        {
            Segment? first = null, last = null;
            foreach (byte[] chunk in chunks)
            {
                var next = new Segment { Memory = chunk, RunningIndex = (last?.RunningIndex ?? 0) + (last?.Memory.Length ?? 0) };
                if (last is not null)
                    last.Next = next;
                first ??= next;
                last = next;
            }
            return new(first!, 0, last!, last!.Memory.Length);
        }
    }
}
