using System.Runtime.InteropServices;
using SkiaSharp;

namespace FlowCli.Tests;

/// <summary>A file's images decide the size of the model's, on the command line as in the service.</summary>
public sealed class PictureSizeTests : IDisposable
{
    private static readonly string Model = Path.Combine(Cli.Models, "clothing-4x");

    private readonly Cli cli = new();

    public void Dispose() => cli.Dispose();

    [Fact]
    public void A_small_picture_of_another_size_is_enlarged_and_the_large_one_scored()
    {
        string small = Picture("small.png", 14, 10), large = cli.At("large.png");
        Assert.Equal(0, Cli.Run("sample", "--model", Model, "--context", small, "--count", "1", "--seed", "1", "--output", large).Code);
        using SKBitmap given = SKBitmap.Decode(small), drawn = SKBitmap.Decode(large);
        Assert.Equal((56, 40), (drawn.Width, drawn.Height));
        for (int y = 0; y < 10; y++)
            for (int x = 0; x < 14; x++)
                Assert.Equal(
                    16 * given.GetPixel(x, y).Red, Enumerable.Range(0, 16).Sum(at => drawn.GetPixel(4 * x + at % 4, 4 * y + at / 4).Red));

        Outcome scored = Cli.Run("logprob", "--model", Model, "--input", large);
        Assert.True(scored.Code == 0, scored.Error);
        Assert.True(double.IsFinite(double.Parse(scored.Output.Split('\n')[1], System.Globalization.CultureInfo.InvariantCulture)));
    }

    [Fact]
    public void Arrays_show_their_size_and_flat_rows_have_it_said()
    {
        string small = Picture("small.png", 9, 5), x = cli.At("x.npy"), z = cli.At("z.npy"), back = cli.At("back.npy"), csv = cli.At("x.csv");
        string[] context = ["--context", small]; // what it draws for it by seed 1 goes up to 200,000, which float32 does not take back
        Ok(["sample", "--model", Model, .. context, "--count", "2", "--seed", "2", "--output", x]);
        Ok(["sample", "--model", Model, .. context, "--count", "2", "--seed", "2", "--output", csv]);
        Ok("encode", "--model", Model, "--input", x, "--output", z);
        Ok(["decode", "--model", Model, "--input", z, .. context, "--size", "20,36", "--output", back]);
        Outcome shown = Ok("logprob", "--model", Model, "--input", x), said = Ok("logprob", "--model", Model, "--input", csv, "--ignore-extra", "--size", "20,36");
        Assert.Equal(3, shown.Output.Trim().Split('\n').Length);
        Assert.Equal(shown.Output, said.Output);
        Assert.All(Values(x).Zip(Values(back)), pair => Assert.Equal(pair.First, pair.Second, 0.05f + 1e-5f * Math.Abs(pair.First)));

        Cli.Run("logprob", "--model", Model, "--input", csv, "--size", "21,36").FailsWith(1, "--size: model 'clothing-4x': images of 21 x 36", "the nearest size is 20 x 36");
        Cli.Run("logprob", "--model", Model, "--input", csv, "--size", "21").FailsWith(2, "--size: '21' is not H,W");
    }

    private static Outcome Ok(params string[] arguments)
    {
        Outcome outcome = Cli.Run(arguments);
        Assert.True(outcome.Code == 0, outcome.Error);
        return outcome;
    }

    // Behind the header, whose length is that of any array written here.
    private static float[] Values(string npy) => MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(npy).AsSpan(128)).ToArray();

    [Theory]
    [InlineData("sample", "--context", 100, 70, "would be enlarged to 280 x 400", "the nearest size is")]
    [InlineData("logprob", "--input", 30, 28, "images of 28 x 30", "the nearest size is 28 x 32")]
    public void A_size_that_is_not_taken_is_refused_with_the_nearest(string command, string option, int width, int height, params string[] words) =>
        Cli.Run([command, "--model", Model, option, Picture("odd.png", width, height), .. command == "sample" ? (string[])["--count", "1"] : []])
            .FailsWith(1, ["odd.png", .. words]);

    private string Picture(string name, int width, int height)
    {
        using var bitmap = new SKBitmap(width, height, SKColorType.Gray8, SKAlphaType.Opaque);
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                bitmap.SetPixel(x, y, new SKColor(Level(x, y), Level(x, y), Level(x, y)));
        using SKData png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        File.WriteAllBytes(cli.At(name), png.ToArray());
        return cli.At(name);
    }

    private static byte Level(int x, int y) => (byte)((x * 17 + y * 31) % 256);
}
