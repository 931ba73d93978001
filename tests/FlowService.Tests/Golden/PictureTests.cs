using System.Net;
using System.Text;
using System.Text.Json;
using FlowService.Tests.Support;
using SkiaSharp;

namespace FlowService.Tests.Golden;

/// <summary>Image models answer with pictures where the client asks for them.</summary>
[Collection(nameof(GoldenService))]
public sealed class PictureTests(GoldenService service)
{
    private const string Digits = "normflows-glow_digits_cc", Plain = "normflows-glow_digits", Table = "normflows-maf";

    // An 8x8 digit is enlarged 8 times, with a frame of 2 pixels.
    private const int Side = 64, Gap = 2;

    [Fact]
    public async Task Samples_of_classes_are_one_line_for_each_class()
    {
        const string body = """{"model":"normflows-glow_digits_cc","count":4,"seed":1,"context":[0,1,2]}""";
        using SKBitmap picture = await PictureAsync("/sample", body);
        Assert.Equal((4 * (Side + Gap) + Gap, 3 * (Side + Gap) + Gap), (picture.Width, picture.Height));

        float[][] samples = (await service.Http.AskAsync("/sample", body)).Rows("samples");
        for (int i = 0; i < samples.Length; i++)
            for (int pixel = 0; pixel < 64; pixel++)
            {
                int x = Gap + i % 4 * (Side + Gap) + pixel % 8 * 8 + 4, y = Gap + i / 4 * (Side + Gap) + pixel / 8 * 8 + 4;
                SKColor color = picture.GetPixel(x, y);
                Assert.InRange(color.Red, 255 * Math.Clamp(samples[i][pixel], 0, 1) - 1, 255 * Math.Clamp(samples[i][pixel], 0, 1) + 1);
                Assert.Equal((color.Red, color.Red), (color.Green, color.Blue));
            }
    }

    [Fact]
    public async Task Samples_without_context_are_about_a_square()
    {
        using SKBitmap picture = await PictureAsync("/sample", $$"""{"model":"{{Plain}}","count":10,"seed":1}""");
        Assert.Equal((4 * (Side + Gap) + Gap, 3 * (Side + Gap) + Gap), (picture.Width, picture.Height));
    }

    [Fact]
    public async Task Colour_images_have_colours()
    {
        using SKBitmap picture = await PictureAsync("/sample", """{"model":"image_repos-chrischute_glow","count":4,"seed":1}""");
        Assert.Contains(picture.Pixels, color => color.Red != color.Green);
    }

    [Fact]
    public async Task Decoded_latents_are_drawn_in_the_range_that_is_asked_for()
    {
        string zeros = $"[{string.Join(",", Enumerable.Repeat("0", 64))}]";
        using SKBitmap dark = await PictureAsync("/decode", $$"""{"model":"{{Digits}}","z":[{{zeros}}],"context":3,"range":[0,10]}""");
        using SKBitmap usual = await PictureAsync("/decode", $$"""{"model":"{{Digits}}","z":[{{zeros}}],"context":3}""");
        Assert.True(usual.Pixels.Max(color => color.Red) > 150);
        Assert.True(dark.GetPixel(Gap + 28, Gap + 28).Red < 30);
    }

    [Fact]
    public async Task An_interpolation_is_one_line()
    {
        float[][] ends = (await service.Http.AskAsync("/sample", $$"""{"model":"{{Digits}}","count":2,"seed":5,"context":4}""")).Rows("samples");
        using SKBitmap picture = await PictureAsync("/interpolate", $$"""{"model":"{{Digits}}","x":{{JsonSerializer.Serialize(ends)}},"steps":7,"context":4}""");
        Assert.Equal((7 * (Side + Gap) + Gap, Side + 2 * Gap), (picture.Width, picture.Height));
    }

    [Theory]
    [InlineData(Digits, "image/png", "image/png")]
    [InlineData(Digits, "image/avif,image/webp,image/apng,image/*,*/*;q=0.8", "image/png")]
    [InlineData(Digits, "image/png;q=0.5, application/json", "application/json")]
    [InlineData(Digits, "image/png;q=0, */*", "application/json")]
    [InlineData(Digits, "*/*", "application/json")]
    [InlineData(Table, "image/png, application/json;q=0.1", "application/json")]
    [InlineData(Table, "image/*", "application/problem+json")]
    [InlineData(Digits, "text/html", "application/problem+json")]
    public async Task Accept_decides_by_its_qualities(string model, string accept, string expected)
    {
        string context = model == Digits ? ""","context":0""" : "";
        using HttpResponseMessage response = await SendAsync("/sample", $$"""{"model":"{{model}}","count":1{{context}}}""", accept);
        Assert.Equal(expected, response.Content.Headers.ContentType?.MediaType);
        if (expected == "application/problem+json")
            Assert.Equal("not-acceptable", (await Calls.ProblemAsync(response, HttpStatusCode.NotAcceptable)).Type());
    }

    [Theory]
    [InlineData("[1,0]")]
    [InlineData("[1]")]
    [InlineData("[0,1,2]")]
    [InlineData("[]")]
    public async Task A_range_that_is_none_is_refused(string range)
    {
        using HttpResponseMessage response = await SendAsync("/sample", $$"""{"model":"{{Plain}}","count":1,"range":{{range}}}""", "image/png");
        JsonElement problem = await Calls.ProblemAsync(response, HttpStatusCode.UnprocessableEntity);
        Assert.Equal("range", problem.GetProperty("field").GetString());
    }

    [Fact]
    public async Task A_line_that_no_viewer_opens_is_refused()
    {
        using HttpResponseMessage response = await SendAsync("/sample", $$"""{"model":"{{Digits}}","count":5000,"context":[1]}""", "image/png");
        Assert.Contains("too large", (await Calls.ProblemAsync(response, HttpStatusCode.UnprocessableEntity)).Detail(), StringComparison.Ordinal);
    }

    private async Task<SKBitmap> PictureAsync(string path, string body)
    {
        using HttpResponseMessage response = await SendAsync(path, body, "image/png");
        byte[] bytes = await response.Content.ReadAsByteArrayAsync();
        Assert.True(response.StatusCode == HttpStatusCode.OK, Encoding.UTF8.GetString(bytes));
        Assert.Equal("image/png", response.Content.Headers.ContentType?.MediaType);
        return SKBitmap.Decode(bytes);
    }

    private async Task<HttpResponseMessage> SendAsync(string path, string body, string accept)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.TryAddWithoutValidation("Accept", accept);
        return await service.Http.SendAsync(request);
    }
}
