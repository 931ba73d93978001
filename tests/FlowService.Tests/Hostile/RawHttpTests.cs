using System.Text;
using FlowService.Tests.Support;

namespace FlowService.Tests.Hostile;

/// <summary>HTTP itself written wrongly, over a bare socket.</summary>
public sealed class RawHttpTests(SharedService service)
{
    private const string Rows = """{"model":"two-moons","x":[[0.5,-1]]}""";

    private Uri Address => service.Host.Address;

    [Theory]
    [InlineData("ffffffffffffffff\r\n")]
    [InlineData("7fffffff\r\n{}\r\n0\r\n\r\n")]
    [InlineData("80000000\r\n{}\r\n0\r\n\r\n")]
    [InlineData("ffffffff\r\n{}\r\n0\r\n\r\n")]
    [InlineData("-1\r\n{}\r\n0\r\n\r\n")]
    [InlineData("0x2\r\n{}\r\n0\r\n\r\n")]
    [InlineData("\r\n{}\r\n0\r\n\r\n")]
    [InlineData("2\n{}\r\n0\r\n\r\n")]
    [InlineData("2;a=b\n{}\r\n0\r\n\r\n")]
    [InlineData("2;\0\r\n{}\r\n0\r\n\r\n")]
    [InlineData("2\r\n{}{}\r\n0\r\n\r\n")]
    [InlineData("2\r\n{}\r\n")]
    [InlineData("2\r\n{}")]
    [InlineData("2\r\n{}\r\n0\r\nbad trailer\r\n\r\n")]
    public async Task Chunks_that_are_wrong_are_400(string chunks)
    {
        foreach (string type in (string[])["application/json", "text/csv", Npy.MediaType, Subjects.ArrowType])
            AssertRefused(await AskAsync("/logprob?model=two-moons", $"Content-Type: {type}\r\nTransfer-Encoding: chunked", chunks));
        string v2 = await AskAsync("/v2/models/two-moons/infer", "Transfer-Encoding: chunked", chunks);
        AssertRefused(v2);
        Assert.DoesNotContain("problem+json", v2, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Content-Length: 1000")]
    [InlineData("Content-Length: 99999999999999999999")]
    [InlineData("Content-Length: -1")]
    [InlineData("Content-Length: 9223372036854775807")]
    [InlineData("Content-Length: 36\r\nContent-Length: 35")]
    [InlineData("Content-Length: 36\r\nTransfer-Encoding: gzip")]
    [InlineData("Content-Length: 36, 36")]
    [InlineData("Content-Length: 10")]
    public async Task Lengths_that_are_wrong_are_refused(string length)
    {
        string answer = await AskAsync("/logprob", $"Content-Type: application/json\r\n{length}", Rows);

        AssertRefused(answer);
    }

    [Fact]
    public async Task A_client_that_ends_its_half_behind_a_whole_request_is_answered()
    {
        string answer = await AskAsync("/logprob", $"Content-Type: application/json\r\nContent-Length: {Rows.Length}", Rows);

        Assert.StartsWith("HTTP/1.1 200 OK\r\n", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Everything_is_back_and_the_next_request_is_answered()
    {
        for (int cut = 0; cut < Rows.Length; cut++)
            using (var connection = new RawConnection(Address))
                await connection.SendAsync(Encoding.ASCII.GetBytes(
                    $"POST /logprob HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {Rows.Length}\r\n\r\n{Rows[..cut]}"));

        await service.Http.AskAsync("/logprob", Rows);
        await Eventually.TrueAsync(() => service.Host.Pool.Outstanding == 0, "all buffers are back");
    }

    // Nothing more is to come: half of the connection is closed.
    private Task<string> AskAsync(string path, string headers, string body) => RawConnection.AskAsync(
        Address, $"POST {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n\r\n", Encoding.Latin1.GetBytes(body), isHalfClosed: true);

    // A connection that ends without a word is a refusal too: of a request that has no end there is nobody to answer.
    private static void AssertRefused(string answer) =>
        Assert.True(answer.Length == 0 || answer.StartsWith("HTTP/1.1 4", StringComparison.Ordinal), answer);
}
