using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using FlowService.Tests.OpenInference;
using FlowService.Tests.Support;
using SkiaSharp;

namespace FlowService.Tests.Formats;

/// <summary>A small picture in, large ones out: the demo model that enlarges clothes, by PNG, NumPy and JSON.</summary>
public sealed class EnlargingTests(DemoService service) : IClassFixture<DemoService>
{
    private const string Model = "clothing-4x";

    private static readonly byte[] Levels = [.. Enumerable.Range(0, 49).Select(i => (byte)(i % 7 is 0 or 6 ? 0 : (i * 31 + 90) % 256))];

    private readonly HttpClient http = service.Http;

    [Fact]
    public async Task A_sample_down_sampled_is_its_input_to_the_last_bit()
    {
        float[] small = [.. Levels.Select(level => (float)level)];
        Npy answer = await http.NpyAsync($"/sample?model={Model}&count=4&seed=1", Npy.Of(small, 1, 1, 7, 7));
        Assert.Equal("4, 1, 28, 28", string.Join(", ", answer.Shape));
        float[] samples = answer.Floats;
        for (int sample = 0; sample < 4; sample++)
            for (int block = 0; block < 49; block++)
            {
                float sum = 0;
                for (int at = 0; at < 16; at++)
                    sum += samples[sample * 784 + Pixel(block, at)];
                Assert.Equal(small[block], sum / 16);
            }

        JsonElement json = await http.AskAsync("/sample", $$"""{"model":"{{Model}}","count":4,"seed":1,"context":{{JsonSerializer.Serialize(small)}}}""");
        Assert.Equal(samples, json.Rows("samples").SelectMany(row => row));
    }

    [Fact]
    public async Task A_picture_is_enlarged_to_a_picture()
    {
        using SKBitmap one = SKBitmap.Decode(await PictureAsync("count=1&seed=3", "image/png"));
        Assert.Equal((28, 28), (one.Width, one.Height));
        for (int block = 0; block < 49; block++)
            Assert.Equal(16 * Levels[block], Enumerable.Range(0, 16).Sum(at => one.GetPixel(Pixel(block, at) % 28, Pixel(block, at) / 28).Red));

        // Whatever a client accepts: a picture is answered by pictures.
        using SKBitmap grid = SKBitmap.Decode(await PictureAsync("count=4&seed=3&temperature=0.8", "*/*"));
        Assert.Equal((4 * (56 + 2) + 2, 56 + 4), (grid.Width, grid.Height));
    }

    [Fact]
    public async Task A_large_pictures_density_is_given_its_own_small_one()
    {
        byte[] picture = await PictureAsync("count=1&seed=3", "image/png");
        JsonElement alone = await JsonAsync("/logprob", picture);
        using SKBitmap image = SKBitmap.Decode(picture);
        float[] pixels = [.. image.Pixels.Select(color => (float)color.Red)], small = [.. Levels.Select(level => (float)level)];
        float[] alike = (await http.NpyAsync($"/logprob?model={Model}", Npy.Of(pixels, 1, 1, 28, 28))).Floats;
        float[] both = (await http.NpyAsync($"/logprob?model={Model}", Npy.Of([.. pixels, .. small], 1, 784 + 49))).Floats;
        JsonElement byProtocol = await http.PostRawAsync(
            $"/v2/models/{Model}/infer", $$"""{"inputs":[{"name":"x","datatype":"FP32","shape":[1,1,28,28],"data":{{JsonSerializer.Serialize(pixels)}}}]}""").OkAsync();
        Assert.True(float.IsFinite(both[0]));
        Assert.Equal(both, byProtocol.GetProperty("outputs")[0].GetProperty("data").Deserialize<float[]>());
        Assert.Equal(both, alike);
        Assert.Equal(both, alone.Floats("log_prob"));

        // Of another small picture it is none of the large ones: no density, and so no number.
        small[10] += 3;
        JsonElement other = await http.AskAsync("/logprob", $$"""{"model":"{{Model}}","x":[{{JsonSerializer.Serialize(pixels)}}],"context":{{JsonSerializer.Serialize(small)}}}""");
        Assert.Equal(JsonValueKind.Null, other.GetProperty("log_prob")[0].ValueKind);
    }

    [Fact]
    public async Task The_density_of_a_sample_is_that_of_scoring_it()
    {
        string context = JsonSerializer.Serialize(Levels.Select(level => (int)level));
        JsonElement drawn = await http.AskAsync("/sample", $$"""{"model":"{{Model}}","count":3,"seed":2,"context":{{context}}}""");
        JsonElement scored = await http.AskAsync("/logprob", $$"""{"model":"{{Model}}","x":{{drawn.GetProperty("samples")}},"context":{{context}}}""");
        foreach (var (one, other) in drawn.Floats("log_prob").Zip(scored.Floats("log_prob")))
            Assert.InRange(Math.Abs(one - other), 0, 1e-4 * (1 + Math.Abs(one)));
    }

    public static TheoryData<string, byte[], string, int> Broken => new()
    {
        { "empty", [], "the body is empty", 400 },
        { "no PNG", "GIF89a and so on"u8.ToArray(), "no PNG", 400 },
        { "cut", Png(7, 7, SKColors.Gray)[..60], "PNG", 400 },
        { "too large", Png(40, 30, SKColors.Gray), "images of 30 x 40 would be enlarged to 120 x 160, and images of 120 x 160 (height x width) are not taken; sides are multiples of 4 and 4, with at most 12544 pixels: the nearest size is 96 x 128", 422 },
        { "of a great size", Claiming(20_000, 20_000), "the nearest size is 112 x 112", 422 },
        { "of no size", Claiming(0, 7), "the nearest size is 28 x 4", 422 },
        { "in colour", Png(7, 7, SKColors.Red), "in colour", 422 },
        { "transparent", Png(7, 7, SKColors.Gray.WithAlpha(40)), "transparent", 422 },
    };

    [Theory, MemberData(nameof(Broken))]
    public async Task What_is_no_small_picture_is_refused(string what, byte[] body, string reason, int status)
    {
        using HttpResponseMessage answer = await SendAsync($"/sample?model={Model}&count=1", body, "*/*");
        string text = await answer.Content.ReadAsStringAsync();
        Assert.True((int)answer.StatusCode == status && text.Contains(reason, StringComparison.Ordinal), $"{what}: {answer.StatusCode} {text}");
    }

    [Fact]
    public async Task Pictures_of_other_sizes_are_enlarged_too()
    {
        using var small = new SKBitmap(new SKImageInfo(9, 5, SKColorType.Gray8, SKAlphaType.Opaque));
        for (int i = 0; i < 45; i++)
            small.SetPixel(i % 9, i / 9, new SKColor((byte)(i * 5), (byte)(i * 5), (byte)(i * 5)));
        using HttpResponseMessage answer = await SendAsync($"/sample?model={Model}&count=1&seed=1", Encoded(small), "*/*");
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        using SKBitmap large = SKBitmap.Decode(await answer.Content.ReadAsByteArrayAsync());
        Assert.Equal((36, 20), (large.Width, large.Height));
        for (int block = 0; block < 45; block++)
            Assert.Equal(16 * block * 5, Enumerable.Range(0, 16).Sum(at => large.GetPixel(block % 9 * 4 + at % 4, block / 9 * 4 + at / 4).Red));

        // The numbers of the same request, and the density of what they are.
        float[] values = [.. Enumerable.Range(0, 45).Select(i => i * 5f)];
        Npy numbers = await http.NpyAsync($"/sample?model={Model}&count=2&seed=1", Npy.Of(values, 1, 1, 5, 9));
        Assert.Equal("2, 1, 20, 36", string.Join(", ", numbers.Shape));
        Assert.All((await http.NpyAsync($"/logprob?model={Model}", Npy.Of(numbers.Floats, 2, 1, 20, 36))).Floats, value => Assert.True(float.IsFinite(value)));

        // A side that is no multiple is refused with the nearest that is.
        JsonElement facts = JsonDocument.Parse(await http.GetStringAsync($"/models/{Model}")).RootElement;
        Assert.Equal("""{"multiple_of":[4,4],"most_pixels":12544}""", facts.GetProperty("sizes").GetRawText());
        using HttpResponseMessage odd = await SendAsync($"/logprob?model={Model}", Png(31, 28, SKColors.Gray), "*/*");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, odd.StatusCode);
        Assert.Contains("the nearest size is 28 x 32", await odd.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task More_sizes_than_are_kept_are_answered_alike()
    {
        foreach (int side in (int[])[1, 2, 3, 4, 5, 6, 1])
        {
            float[] small = [.. Enumerable.Repeat(100f, side * side)];
            Npy answer = await http.NpyAsync($"/sample?model={Model}&count=1&seed={side}", Npy.Of(small, 1, 1, side, side));
            Assert.Equal($"1, 1, {4 * side}, {4 * side}", string.Join(", ", answer.Shape));
        }
    }

    [Fact]
    public async Task The_description_names_pictures_where_they_are_read()
    {
        JsonElement paths = JsonDocument.Parse(await http.GetStringAsync("/swagger/v1/swagger.json")).RootElement.GetProperty("paths");
        string[] reading = [.. paths.EnumerateObject().Where(path => path.Value.TryGetProperty("post", out JsonElement post) && post.TryGetProperty("requestBody", out JsonElement body)
            && body.GetProperty("content").TryGetProperty("image/png", out _)).Select(path => path.Name).Order(StringComparer.Ordinal)];
        Assert.Equal(["/encode", "/logprob", "/sample", "/score"], reading);
    }

    [Fact]
    public async Task A_model_of_tables_takes_no_pictures()
    {
        using HttpResponseMessage answer = await SendAsync("/logprob?model=two-moons", Png(7, 7, SKColors.Gray), "*/*");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.StatusCode);
        Assert.Contains("is not a picture", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_digit_is_scored_as_a_picture_too()
    {
        byte[] digit = Png(8, 8, new SKColor(0, 0, 0));
        JsonElement scored = await JsonAsync("/logprob", digit, "digits", "&context=3");
        // Black is the least value that the model says its pixels have.
        float[] black = (await http.AskAsync("/logprob", $$"""{"model":"digits","x":[[{{string.Join(",", Enumerable.Repeat("-0.5", 64))}}]],"context":3}""")).Floats("log_prob");
        Assert.Equal(black, scored.Floats("log_prob"));
    }

    private static int Pixel(int block, int at) => (block / 7 * 4 + at / 4) * 28 + block % 7 * 4 + at % 4;

    private async Task<byte[]> PictureAsync(string query, string accept)
    {
        using var small = new SKBitmap(new SKImageInfo(7, 7, SKColorType.Gray8, SKAlphaType.Opaque));
        for (int i = 0; i < 49; i++)
            small.SetPixel(i % 7, i / 7, new SKColor(Levels[i], Levels[i], Levels[i]));
        using HttpResponseMessage answer = await SendAsync($"/sample?model={Model}&{query}", Encoded(small), accept);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        Assert.Equal("image/png", answer.Content.Headers.ContentType!.MediaType);
        return await answer.Content.ReadAsByteArrayAsync();
    }

    private async Task<JsonElement> JsonAsync(string path, byte[] picture, string model = Model, string query = "")
    {
        using HttpResponseMessage answer = await SendAsync($"{path}?model={model}{query}", picture, "*/*");
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        return JsonDocument.Parse(await answer.Content.ReadAsByteArrayAsync()).RootElement;
    }

    private Task<HttpResponseMessage> SendAsync(string url, byte[] picture, string accept)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(picture) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("image/png");
        request.Headers.Accept.ParseAdd(accept);
        return http.SendAsync(request);
    }

    private static byte[] Png(int width, int height, SKColor color)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        bitmap.Erase(color);
        return Encoded(bitmap);
    }

    private static byte[] Encoded(SKBitmap bitmap)
    {
        using SKData data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }

    /// <summary>A small file that says it is a picture of any size.</summary>
    private static byte[] Claiming(int width, int height)
    {
        byte[] png = Png(7, 7, SKColors.Gray);
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(16), width);
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(20), height);
        var check = new ICSharpCode.SharpZipLib.Checksum.Crc32();
        check.Update(png[12..29]);
        BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(29), (uint)check.Value);
        return png;
    }
}
