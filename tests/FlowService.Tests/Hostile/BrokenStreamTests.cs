using System.Net;
using System.Text;
using System.Text.Json;
using Apache.Arrow;
using Apache.Arrow.Ipc;
using Apache.Arrow.Types;
using FlowService.Tests.Support;

namespace FlowService.Tests.Hostile;

/// <summary>A fault behind the first part of a long stream: the status is sent, so the reason stands in the answer, which has no end.</summary>
public sealed class BrokenStreamTests(SharedService service)
{
    private const int Rows = 20_000, Rounds = 10;

    private static readonly byte[] CsvBody =
        Encoding.ASCII.GetBytes("x_0,x_1\n" + string.Concat(Enumerable.Range(0, Rows).Select(i => $"{i % 7},{i % 11}.5\n")) + "1,bad\n");

    [Theory]
    [InlineData("text/csv")]
    [InlineData(Subjects.ArrowType)]
    public async Task The_reason_arrives_and_no_end_of_the_answer(string accept)
    {
        for (int round = 0; round < Rounds; round++)
        {
            byte[] answer = await AskAsync("/logprob?model=two-moons", "text/csv", accept, CsvBody);

            AssertBroken(answer, $"x: row {Rows}, column 'x_1' is 'bad'");
        }
        await service.Host.BuffersAreBackAsync();
    }

    [Theory]
    [InlineData("text/csv")]
    [InlineData(Subjects.ArrowType)]
    public async Task A_null_in_the_last_batch_of_Arrow_says_so_too(string accept)
    {
        byte[] answer = await AskAsync("/logprob?model=two-moons", Subjects.ArrowType, accept, ArrowBody());

        AssertBroken(answer, $"x: row {Rows}, column 'x_1' is null");
    }

    [Fact]
    public async Task The_reason_arrives_though_the_client_still_sends_and_reads_nothing_before_its_end()
    {
        byte[] more = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 2_000_000).Select(_ => "1,2\n")));

        byte[] answer = await AskAsync("/logprob?model=two-moons", "text/csv", "text/csv", CsvBody, more);

        AssertBroken(answer, $"x: row {Rows}, column 'x_1' is 'bad'");
    }

    [Theory]
    [InlineData("text/csv")]
    [InlineData(Subjects.ArrowType)]
    public async Task Over_HTTP_2_the_reason_arrives_too_and_the_stream_is_reset(string accept)
    {
        using var client = new HttpClient { BaseAddress = service.Host.GrpcAddress };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/logprob?model=two-moons")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(CsvBody) { Headers = { ContentType = new("text/csv") } },
        };
        request.Headers.Accept.ParseAdd(accept);
        request.Headers.TransferEncodingChunked = true; // of unknown length, as a stream is
        using HttpResponseMessage response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        await using Stream coming = await response.Content.ReadAsStreamAsync();
        using var answer = new MemoryStream();

        await Assert.ThrowsAnyAsync<IOException>(() => coming.CopyToAsync(answer));

        Assert.Equal((HttpStatusCode.OK, HttpVersion.Version20), (response.StatusCode, response.Version));
        string text = Encoding.UTF8.GetString(answer.ToArray());
        Assert.Contains($"x: row {Rows}, column 'x_1' is 'bad'", text[^Math.Min(text.Length, 400)..], StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_broke_off_is_refused_where_it_is_sent_on()
    {
        byte[] body = Unchunked(await AskAsync("/encode?model=two-moons", "text/csv", Subjects.ArrowType, CsvBody));
        Assert.Contains("flow-error", Encoding.UTF8.GetString(body[^400..]), StringComparison.Ordinal);

        JsonElement problem = await service.Http.RefusedAsync("/decode?model=two-moons", body, Subjects.ArrowType, HttpStatusCode.BadRequest, "application/json");

        Assert.Contains("the metadata of a message is damaged", problem.Detail(), StringComparison.Ordinal);
    }

    private static void AssertBroken(byte[] answer, string reason)
    {
        string text = Encoding.UTF8.GetString(answer);
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", text, StringComparison.Ordinal);
        Assert.Contains("Transfer-Encoding: chunked", text, StringComparison.Ordinal);
        string body = Encoding.UTF8.GetString(Unchunked(answer));
        Assert.Contains(reason, body[^Math.Min(body.Length, 400)..], StringComparison.Ordinal);
        Assert.False(text.EndsWith("0\r\n\r\n", StringComparison.Ordinal), "the answer has an end");
    }

    private async Task<byte[]> AskAsync(string path, string type, string accept, params byte[][] chunks)
    {
        using var connection = new RawConnection(service.Host.Address);
        await connection.SendAsync(Encoding.ASCII.GetBytes(
            $"POST {path} HTTP/1.1\r\nHost: {service.Host.Address.Authority}\r\nContent-Type: {type}\r\nAccept: {accept}\r\nTransfer-Encoding: chunked\r\n\r\n"));
        foreach (byte[] chunk in chunks)
            await connection.SendChunkAsync(chunk);
        await connection.SendAsync("0\r\n\r\n"u8.ToArray());
        return await connection.ReadToEndAsync();
    }

    private static byte[] Unchunked(byte[] answer)
    {
        using var body = new MemoryStream();
        int at = answer.AsSpan().IndexOf("\r\n\r\n"u8) + 4;
        while (at < answer.Length)
        {
            int end = at + answer.AsSpan(at).IndexOf("\r\n"u8);
            int length = Convert.ToInt32(Encoding.ASCII.GetString(answer[at..end]), 16);
            body.Write(answer, end + 2, length);
            at = end + 2 + length + 2;
        }
        return body.ToArray();
    }

    private static byte[] ArrowBody()
    {
        Schema schema = new Schema.Builder().Field(new Field("x_0", FloatType.Default, false)).Field(new Field("x_1", FloatType.Default, true)).Build();
        using var bytes = new MemoryStream();
        using (var writer = new ArrowStreamWriter(bytes, schema, leaveOpen: true))
        {
            FloatArray good = new FloatArray.Builder().AppendRange(Enumerable.Range(0, Rows / 10).Select(i => (float)(i % 7))).Build();
            for (int i = 0; i < 10; i++)
                writer.WriteRecordBatch(new RecordBatch(schema, [good, good], good.Length));
            writer.WriteRecordBatch(new RecordBatch(schema, [new FloatArray.Builder().Append(1).Build(), new FloatArray.Builder().AppendNull().Build()], 1));
            writer.WriteEnd();
        }
        return bytes.ToArray();
    }
}
