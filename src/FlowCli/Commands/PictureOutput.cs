using System.CommandLine;
using System.Numerics;
using FlowCli.Rows;
using FlowCore;
using FlowRows.Pictures;

namespace FlowCli.Commands;

/// <summary>Rows of an image model written as one picture: <paramref name="columns"/> images on a line, or about a square.</summary>
internal sealed class PictureOutput(Terminal terminal, string path, FlowSpec spec, double[]? range, int? columns)
{
    private readonly List<float> rows = [];

    public static bool IsPicture(string? path) => path is not null && path.EndsWith(".png", StringComparison.OrdinalIgnoreCase);

    public static Option<double[]?> Range() => new("--range")
    {
        Description = "For a .png: the values shown as black and as full brightness; by default what the model says of its data, else 0 1.",
        HelpName = "LOW HIGH",
        Arity = new ArgumentArity(2, 2),
        AllowMultipleArgumentsPerToken = true,
    };

    /// <param name="images">The rows.</param>
    /// <param name="means">The small images that they were drawn for, where they are such samples.</param>
    /// <exception cref="FlowException">The data of the model are not images.</exception>
    public void Add<T>(Span<T> images, ReadOnlySpan<T> means = default)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        terminal.Stop.ThrowIfCancellationRequested();
        if (!ImageGrid.Shows(spec))
            throw new FlowException($"{path}: the data of model '{spec.Name}' have the shape [{string.Join(", ", spec.EventShape)}]; a picture is of [1, H, W] or [3, H, W]");
        if (!means.IsEmpty)
            DownSampling.Of(spec)?.Round(images, means);
        foreach (T value in images)
            rows.Add(float.CreateTruncating(value));
    }

    public void Write()
    {
        int images = rows.Count / spec.Width;
        if (images == 0)
            throw new FlowException($"{path}: there is nothing to draw; --count is 0");
        var grid = new ImageGrid(spec, Shown(), images, columns ?? ImageGrid.NearSquare(images));
        if (!grid.Fits)
            throw new FlowException($"{path}: a picture of {images} images is too large; lower --count");
        using var file = new UnfinishedFile(path);
        file.Stream.Write(grid.Draw([.. rows]));
        file.Complete();
    }

    private PixelRange Shown() => range switch
    {
        null or [] => PixelRange.Of(spec),
        [var low, var high] when low < high => new(low, high),
        _ => throw new FlowException("--range: needs two numbers, the lower one first"),
    };
}
