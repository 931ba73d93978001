using System.Buffers.Binary;

namespace FlowCli.Tests;

public sealed class PictureTests : IDisposable
{
    private readonly Cli cli = new();

    public void Dispose() => cli.Dispose();

    [Fact]
    public void Samples_of_classes_are_drawn_one_line_for_each_class()
    {
        string classes = cli.Write("classes.csv", "class\n0\n7\n3\n");
        Ok("sample", "--model", Import("normflows/glow_digits_cc"), "--count", "5", "--seed", "1", "--context", classes, "--output", cli.At("grid.png"));
        Assert.Equal((5 * 66 + 2, 3 * 66 + 2), Size("grid.png"));
    }

    [Fact]
    public void Samples_without_context_are_drawn_as_about_a_square_in_the_range_asked_for()
    {
        string model = Import("image_repos/rosinality_glow");
        Ok("sample", "--model", model, "--count", "7", "--seed", "1", "--range", "-0.5", "0.5", "--output", cli.At("a.png"));
        Ok("sample", "--model", model, "--count", "7", "--seed", "1", "--output", cli.At("b.png"));
        Assert.Equal((3 * 66 + 2, 3 * 66 + 2), Size("a.png"));
        Assert.NotEqual(File.ReadAllBytes(cli.At("a.png")), File.ReadAllBytes(cli.At("b.png")));
    }

    [Fact]
    public void A_table_is_no_picture_and_leaves_no_file()
    {
        Outcome outcome = Cli.Run("sample", "--model", Cli.TwoMoons, "--count", "2", "--seed", "1", "--output", cli.At("grid.png"));
        outcome.FailsWith(1, "grid.png", "[2]", "[1, H, W]");
        Assert.False(File.Exists(cli.At("grid.png")));
    }

    [Fact]
    public void A_range_upside_down_is_refused() => Cli.Run(
        "sample", "--model", Import("normflows/glow_digits"), "--count", "2", "--seed", "1", "--range", "1", "0", "--output", cli.At("grid.png"))
        .FailsWith(1, "--range");

    private string Import(string name)
    {
        string folder = cli.At(Path.Combine("digits", "1"));
        Ok("import", Path.Combine(AppContext.BaseDirectory, "golden", name), "--out", folder);
        return folder;
    }

    private static void Ok(params string[] arguments)
    {
        Outcome outcome = Cli.Run(arguments);
        Assert.True(outcome.Code == 0, outcome.Error);
    }

    // Width and height stand in the header chunk, at byte 16.
    private (int Width, int Height) Size(string name)
    {
        ReadOnlySpan<byte> png = File.ReadAllBytes(cli.At(name));
        return (BinaryPrimitives.ReadInt32BigEndian(png[16..]), BinaryPrimitives.ReadInt32BigEndian(png[20..]));
    }
}
