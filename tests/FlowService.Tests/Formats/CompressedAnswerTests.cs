using System.IO.Compression;
using System.Net;
using System.Text;
using FlowService.Tests.Hostile;
using FlowService.Tests.Support;

namespace FlowService.Tests.Formats;

/// <summary>Answers are compressed where the client takes it and it pays, and nowhere else.</summary>
public sealed class CompressedAnswerTests(SharedService service)
{
    private const string Score = "/logprob?model=two-moons&include=z";

    private static readonly byte[] Rows = Npy.Of([.. Enumerable.Range(0, 20_000).Select(i => MathF.Sin(i))], 10_000, 2), FewRows = Npy.Of([0f, 1, 2, 3], 2, 2);

    private static readonly string InferBody =
        $$"""{"inputs":[{"name":"x","datatype":"FP32","shape":[5000,2],"data":[{{string.Join(',', Enumerable.Range(0, 10_000).Select(i => i % 7))}}]}]}""";

    [Theory]
    [InlineData("application/json", "gzip")]
    [InlineData("application/json", "br")]
    [InlineData("text/csv", "gzip")]
    [InlineData("text/csv; header=absent", "gzip;q=0.5, identity;q=0.1")]
    [InlineData("application/json", "gzip, deflate, br;q=0")]
    public async Task A_large_answer_is_the_same_once_it_is_decompressed(string accept, string encodings)
    {
        using HttpResponseMessage plain = await AskAsync(service.Host, Score, Rows, accept, null), compressed = await AskAsync(service.Host, Score, Rows, accept, encodings);
        byte[] expected = await plain.Content.ReadAsByteArrayAsync(), sent = await compressed.Content.ReadAsByteArrayAsync();

        Assert.Empty(plain.Content.Headers.ContentEncoding);
        string coding = Assert.Single(compressed.Content.Headers.ContentEncoding);
        Assert.StartsWith(coding, encodings, StringComparison.Ordinal);
        Assert.Contains("Accept-Encoding", compressed.Headers.Vary);
        Assert.True(sent.Length < expected.Length, $"{sent.Length} of {expected.Length}");
        Assert.Equal(expected, Decompressed(sent, coding));
    }

    [Fact]
    public async Task So_is_that_of_the_protocol_and_the_description_of_the_API()
    {
        using var infer = new HttpRequestMessage(HttpMethod.Post, "/v2/models/two-moons/infer") { Content = new StringContent(InferBody) };
        using var document = new HttpRequestMessage(HttpMethod.Get, "/swagger/v1/swagger.json");
        foreach (HttpRequestMessage request in new[] { infer, document })
        {
            request.Headers.AcceptEncoding.ParseAdd("gzip");
            using HttpResponseMessage response = await service.Http.SendAsync(request);

            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.Equal("gzip", Assert.Single(response.Content.Headers.ContentEncoding));
            Assert.StartsWith("{", Encoding.UTF8.GetString(Decompressed(await response.Content.ReadAsByteArrayAsync(), "gzip")), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(Npy.MediaType, "gzip, br", true)]
    [InlineData(Subjects.ArrowType, "gzip, br", true)]
    [InlineData("application/json", "gzip, br", false)]
    [InlineData("text/csv", "gzip", false)]
    [InlineData("text/csv", "identity", true)]
    [InlineData("text/csv", "gzip;q=0", true)]
    [InlineData("text/csv", "zstd", true)]
    public async Task What_is_short_or_binary_or_not_asked_for_is_not_compressed(string accept, string encodings, bool isLarge)
    {
        using HttpResponseMessage plain = await AskAsync(service.Host, Score, isLarge ? Rows : FewRows, accept, null);
        using HttpResponseMessage response = await AskAsync(service.Host, Score, isLarge ? Rows : FewRows, accept, encodings);

        Assert.Empty(response.Content.Headers.ContentEncoding);
        Assert.Equal(await plain.Content.ReadAsByteArrayAsync(), await response.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task Nothing_is_compressed_where_it_is_switched_off()
    {
        using TemporaryFolder repository = TestModels.Repository();
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, null, ("Compression:FromBytes", "0"));

        using HttpResponseMessage response = await AskAsync(host, Score, Rows, "text/csv", "gzip");

        Assert.Empty(response.Content.Headers.ContentEncoding);
    }

    [Fact]
    public async Task An_answer_that_breaks_off_has_no_end_in_its_coding_either()
    {
        byte[] body = Encoding.ASCII.GetBytes("x_0,x_1\n" + string.Concat(Enumerable.Range(0, 20_000).Select(i => $"{i % 7},{i % 11}.5\n")) + "1,bad\n");

        using HttpResponseMessage response = await AskAsync(service.Host, "/logprob?model=two-moons", body, "text/csv", "gzip", "text/csv");

        Assert.Equal("gzip", Assert.Single(response.Content.Headers.ContentEncoding));
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => response.Content.ReadAsByteArrayAsync());
    }

    private static async Task<HttpResponseMessage> AskAsync(ServiceHost host, string path, byte[] body, string accept, string? encodings, string type = Npy.MediaType)
    {
        HttpClient http = host.Http(); // lives as long as the answer that still arrives
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new(type);
        request.Headers.TryAddWithoutValidation("Accept", accept);
        if (encodings is not null)
            request.Headers.TryAddWithoutValidation("Accept-Encoding", encodings);
        HttpResponseMessage response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        if (type == Npy.MediaType)
            await response.Content.LoadIntoBufferAsync();
        return response;
    }

    private static byte[] Decompressed(byte[] bytes, string coding)
    {
        using var memory = new MemoryStream(bytes);
        using Stream stream = coding == "br" ? new BrotliStream(memory, CompressionMode.Decompress) : new GZipStream(memory, CompressionMode.Decompress);
        using var all = new MemoryStream();
        stream.CopyTo(all);
        return all.ToArray();
    }
}
