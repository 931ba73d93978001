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
    [InlineData("7fffffff\r\n{}\r\n0\r\n\r\n", false)]
    [InlineData("80000000\r\n{}\r\n0\r\n\r\n")]
    [InlineData("ffffffff\r\n{}\r\n0\r\n\r\n")]
    [InlineData("-1\r\n{}\r\n0\r\n\r\n")]
    [InlineData("0x2\r\n{}\r\n0\r\n\r\n")]
    [InlineData("\r\n{}\r\n0\r\n\r\n")]
    [InlineData("2\n{}\r\n0\r\n\r\n")]
    [InlineData("2;a=b\n{}\r\n0\r\n\r\n")]
    [InlineData("2;\0\r\n{}\r\n0\r\n\r\n")]
    [InlineData("2\r\n{}{}\r\n0\r\n\r\n")]
    [InlineData("2\r\n{}\r\n", false)]
    [InlineData("2\r\n{}", false)]
    [InlineData("2\r\n{}\r\n0\r\nbad trailer\r\n\r\n")]
    public async Task Chunks_that_are_wrong_are_400(string chunks, bool isAnswered = true)
    {
        foreach (string type in (string[])["application/json", "text/csv", Npy.MediaType, Subjects.ArrowType])
            AssertRefused(await AskAsync("/logprob?model=two-moons", $"Content-Type: {type}\r\nTransfer-Encoding: chunked", chunks, isAnswered), isAnswered);
        string v2 = await AskAsync("/v2/models/two-moons/infer", "Transfer-Encoding: chunked", chunks, isAnswered);
        AssertRefused(v2, isAnswered);
        Assert.DoesNotContain("problem+json", v2, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Content-Length: 1000", false)]
    [InlineData("Content-Length: 99999999999999999999")]
    [InlineData("Content-Length: -1")]
    [InlineData("Content-Length: 9223372036854775807", false)]
    [InlineData("Content-Length: 36\r\nContent-Length: 35")]
    [InlineData("Content-Length: 36\r\nTransfer-Encoding: gzip")]
    [InlineData("Content-Length: 36, 36")]
    [InlineData("Content-Length: 10")]
    public async Task Lengths_that_are_wrong_are_refused(string length, bool isAnswered = true)
    {
        string answer = await AskAsync("/logprob", $"Content-Type: application/json\r\n{length}", Rows, isAnswered);

        AssertRefused(answer, isAnswered);
    }

    [Fact]
    public async Task Everything_is_back_and_the_next_request_is_answered()
    {
        for (int cut = 0; cut < Rows.Length; cut++)
            using (var connection = new RawConnection(Address))
                await connection.SendAsync(Encoding.ASCII.GetBytes(
                    $"POST /logprob HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {Rows.Length}\r\n\r\n{Rows[..cut]}"));

        await service.Http.AskAsync("/logprob", Rows);
        await service.Host.BuffersAreBackAsync();
    }

    // Of a request that has no end nothing more comes: half of the connection is closed, which the server takes for a client that has left.
    private Task<string> AskAsync(string path, string headers, string body, bool isAnswered) => RawConnection.AskAsync(
        Address, $"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n\r\n", Encoding.Latin1.GetBytes(body), isHalfClosed: !isAnswered);

    private static void AssertRefused(string answer, bool isAnswered) =>
        Assert.True((answer.Length == 0 && !isAnswered) || answer.StartsWith("HTTP/1.1 4", StringComparison.Ordinal), $"'{answer}'");
}
