using System.Net;
using System.Text;
using System.Text.Json;
using FlowService.Tests.Support;
using SkiaSharp;

namespace FlowService.Tests.Formats;

/// <summary>A picture and its small one as the two parts of a form.</summary>
[Collection(EnlargingService.Collection)]
public sealed class FormTests(EnlargingService service)
{
    private const string Model = EnlargingService.Model, Path = $"/logprob?model={Model}";

    private static readonly byte[] Large = Png(36, 20, (x, y) => (byte)((x * 5 + y * 11) % 256)), Small = Png(9, 5, Mean);

    private readonly HttpClient http = service.Http;

    [Fact]
    public async Task A_picture_is_scored_given_its_small_one_whatever_the_parts_are()
    {
        // Means of whole levels: the small picture is the large one's own.
        using SKBitmap flat = Filled(36, 20, 120), mean = Filled(9, 5, 120);
        byte[] x = Encoded(flat), context = Encoded(mean);
        float[] own = (await http.NpyAsync(Path, Npy.Of([.. Enumerable.Repeat(120f, 720)], 1, 1, 20, 36))).Floats;

        float[] pictures = (await OkAsync(("x", x), ("context", context))).Floats("log_prob");
        float[] arrays = (await OkAsync(("context", Npy.Of([.. Enumerable.Repeat(120f, 45)], 1, 1, 5, 9)), ("x", Npy.Of([.. Enumerable.Repeat(120f, 720)], 1, 1, 20, 36)))).Floats("log_prob");
        Assert.True(float.IsFinite(own[0]));
        Assert.Equal(own, pictures);
        Assert.Equal(own, arrays);

        // Of another small picture there is no density: the answer is null.
        using SKBitmap lighter = Filled(9, 5, 121);
        Assert.Equal(JsonValueKind.Null, (await OkAsync(("x", x), ("context", Encoded(lighter)))).GetProperty("log_prob")[0].ValueKind);
    }

    public static TheoryData<string, byte[], string, int> Refused => new()
    {
        { "no parts", Form(), "part 'x' is missing", 400 },
        { "x alone", Form(("x", Large)), "part 'context' is missing", 400 },
        { "context alone", Form(("context", Small)), "part 'x' is missing", 400 },
        { "another", Form(("x", Large), ("context", Small), ("mask", Small)), "part 'mask' is unknown", 400 },
        { "twice", Form(("x", Large), ("x", Large), ("context", Small)), "part 'x' is there twice", 400 },
        { "empty", Form(("x", Large), ("context", [])), "part 'context' is empty", 400 },
        { "text", Form(("x", "a text"u8.ToArray()), ("context", Small)), "part 'x' is neither a PNG nor a NumPy array", 400 },
        { "broken", Form(("x", Large[..90]), ("context", Small)), "part 'x': ", 400 },
        { "broken context", Form(("x", Large), ("context", Small[..60])), "part 'context': ", 400 },
        { "cut array", Form(("x", Npy.Of(new float[720], 1, 1, 20, 36)[..^8]), ("context", Small)), "part 'x': the body ends", 400 },
        { "no pictures", Form(("x", Npy.Of((float[])[], 0, 1, 20, 36)), ("context", Small)), "part 'x': it holds no rows", 422 },
        { "no small pictures", Form(("x", Large), ("context", Npy.Of((float[])[], 0, 1, 5, 9))), "part 'context': it holds no rows", 422 },
        { "cut form", Form(("x", Large), ("context", Small))[..^20], "part 'context' cannot be read", 400 },
        { "another size", Form(("x", Large), ("context", Png(7, 7, Mean))), "part 'context': context: the picture has 7 x 7 pixels (width x height), model 'clothing-4x' takes 9 x 5", 422 },
        { "a size that is not taken", Form(("x", Png(35, 20, Mean)), ("context", Small)), "the nearest size is 20 x 36", 422 },
        { "too large", Form(("x", new byte[200_000]), ("context", Small)), "larger than 100000 bytes", 413 },
    };

    [Theory, MemberData(nameof(Refused))]
    public async Task A_form_that_cannot_be_taken_is_refused_and_the_part_named(string what, byte[] body, string words, int status)
    {
        using HttpResponseMessage answer = await http.PostAsync(Path, body, "multipart/form-data; boundary=cut-here");
        string text = (await Calls.ProblemAsync(answer, (HttpStatusCode)status)).Detail();
        Assert.True(text.Contains(words, StringComparison.Ordinal), $"{what}: {text}");
        await service.Host.BuffersAreBackAsync();
    }

    [Fact]
    public async Task Without_a_boundary_or_with_the_context_twice_it_is_refused()
    {
        using HttpResponseMessage none = await http.PostAsync(Path, Form(("x", Large)), "multipart/form-data");
        Assert.Contains("no boundary", (await Calls.ProblemAsync(none, HttpStatusCode.BadRequest)).Detail(), StringComparison.Ordinal);
        using HttpResponseMessage twice = await http.PostAsync($"{Path}&context=1", Form(("x", Large), ("context", Small)), "multipart/form-data; boundary=cut-here");
        Assert.Equal("context", (await Calls.ProblemAsync(twice, HttpStatusCode.UnprocessableEntity)).GetProperty("field").GetString());
    }

    [Fact]
    public async Task The_description_shows_the_parts()
    {
        JsonElement content = JsonDocument.Parse(await http.GetStringAsync("/swagger/v1/swagger.json")).RootElement
            .GetProperty("paths").GetProperty("/logprob").GetProperty("post").GetProperty("requestBody").GetProperty("content");
        JsonElement form = content.GetProperty("multipart/form-data").GetProperty("schema").GetProperty("oneOf")[0];
        Assert.Equal(["context", "x"], form.GetProperty("required").EnumerateArray().Select(name => name.GetString()!).Order(StringComparer.Ordinal));
        Assert.All(form.GetProperty("properties").EnumerateObject(), part => Assert.Equal("binary", part.Value.GetProperty("format").GetString()));
    }

    private async Task<JsonElement> OkAsync(params (string Name, byte[] Bytes)[] parts)
    {
        using HttpResponseMessage answer = await http.PostAsync(Path, Form(parts), "multipart/form-data; boundary=cut-here");
        string text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, text);
        return JsonDocument.Parse(text).RootElement;
    }

    private static byte[] Form(params (string Name, byte[] Bytes)[] parts) =>
    [
        .. parts.SelectMany(part => (byte[])
        [
            .. Encoding.ASCII.GetBytes($"--cut-here\r\nContent-Disposition: form-data; name=\"{part.Name}\"; filename=\"{part.Name}.png\"\r\n\r\n"), .. part.Bytes, .. "\r\n"u8,
        ]),
        .. "--cut-here--\r\n"u8,
    ];

    private static byte Mean(int x, int y) => (byte)(x * 20 + y * 10);

    private static SKBitmap Filled(int width, int height, byte level)
    {
        var bitmap = new SKBitmap(width, height, SKColorType.Gray8, SKAlphaType.Opaque);
        bitmap.Erase(new SKColor(level, level, level));
        return bitmap;
    }

    private static byte[] Png(int width, int height, Func<int, int, byte> level)
    {
        using var bitmap = new SKBitmap(width, height, SKColorType.Gray8, SKAlphaType.Opaque);
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                bitmap.SetPixel(x, y, new SKColor(level(x, y), level(x, y), level(x, y)));
        return Encoded(bitmap);
    }

    private static byte[] Encoded(SKBitmap bitmap)
    {
        using SKData data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }
}
