using System.Net;
using System.Text.Json;
using FlowService.Tests.Hostile;
using FlowService.Tests.Support;

namespace FlowService.Tests.Formats;

public sealed class CompressionTests(SharedService service)
{
    private const string Score = "/logprob?model=two-moons";

    private static readonly byte[] Rows = Npy.Of([.. Enumerable.Range(0, 2000).Select(i => MathF.Sin(i))], 1000, 2);

    private readonly HttpClient http = service.Http;

    [Theory, Trait("Engine", "compiled")]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    [InlineData("x-gzip")]
    [InlineData("GZIP")]
    public async Task A_compressed_body_is_read(string encoding)
    {
        byte[] json = """{"model":"two-moons","x":[[1,2]]}"""u8.ToArray();

        Assert.Equal(await http.RowsAsync(Score, Rows, Npy.MediaType), await http.RowsAsync(Score, Subjects.Compress(Rows, encoding), Npy.MediaType, encoding: encoding));
        Assert.Equal(await http.RowsAsync("/logprob", json, "application/json"), await http.RowsAsync("/logprob", Subjects.Compress(json, encoding), "application/json", encoding: encoding));
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    public async Task A_small_body_that_grows_beyond_the_limit_is_refused(string encoding)
    {
        byte[] bomb = Subjects.Compress(new byte[80 << 20].Select(_ => (byte)' ').ToArray(), encoding);
        Assert.True(bomb.Length < 1 << 20);

        using HttpResponseMessage response = await http.PostAsync("/logprob", bomb, "application/json", encoding: encoding);

        Assert.Equal("body-too-large", (await Calls.ProblemAsync(response, HttpStatusCode.RequestEntityTooLarge)).Type());
    }

    [Fact]
    public async Task What_is_not_compressed_as_it_says_is_refused()
    {
        using HttpResponseMessage response = await http.PostAsync(Score, Rows, Npy.MediaType, encoding: "gzip");
        JsonElement problem = await Calls.ProblemAsync(response, HttpStatusCode.BadRequest);

        Assert.Equal("invalid-body", problem.Type());
        Assert.Contains("cannot be decompressed", problem.Detail(), StringComparison.Ordinal);
    }
}
