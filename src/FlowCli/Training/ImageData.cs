using FlowCli.RowFiles;
using FlowCore;
using FlowCore.Training;

namespace FlowCli.Training;

/// <summary>Images to train on: flat rows [channels, height, width], with a class each where labels are given.</summary>
internal static class ImageData
{
    public static TrainingData Load(string path, string? labels, int[] shape)
    {
        using RowReader reader = RowFile.Open(path);
        long size = shape.Aggregate(1L, (product, side) => product * side);
        if (reader.Width != size)
            throw new FlowException($"{path}: has {reader.Width} values a row, --event {string.Join(',', shape)} has {size}");
        var values = new List<double>();
        var row = new double[reader.Width];
        var positions = new List<long>();
        while (reader.Read(row) > 0)
        {
            values.AddRange(row);
            positions.Add(reader.Position);
        }
        string name = reader is CsvRowReader ? "line" : "row";
        Table? classes = labels is null ? null : Labels(labels, positions.Count, path);
        ContextSpec? context = classes is null ? null : new() { Classes = ClassLabels.Count(classes, labels!, at => $"row {at + 1}") };
        return new(new Table([.. values], reader.Width, null, classes), context, [.. positions], name, 0, path, TrainingData.Sha256Of(path));
    }

    /// <summary>The interval and the step of the pixels' values.</summary>
    /// <param name="data">The images.</param>
    /// <param name="dequantize">Whether integer values are cells of one step.</param>
    /// <param name="range">The least and the largest value that a pixel can have; null for those that occur.</param>
    public static PixelValues PixelsOf(TrainingData data, bool dequantize, double[]? range)
    {
        ColumnFacts facts = ColumnFacts.Of(new Table(data.Table.Values, 1))[0];
        if (facts.IsConstant)
            throw new FlowException($"{data.File}: every pixel has the same value, so no density exists");
        double step = dequantize ? facts.Step : 0;
        var (low, high) = range is [var least, var largest] ? (least, largest) : (facts.Least, facts.Largest);
        if (!(low < high))
            throw new FlowException("--range: needs two numbers, the lower one first");
        if (facts.Least < low || facts.Largest > high)
            throw new FlowException($"{data.File}: its pixels reach from {facts.Least} to {facts.Largest}, beyond --range {low} {high}");
        return new(low - step / 2, high + step / 2, step);
    }

    private static Table Labels(string path, int images, string data)
    {
        using RowReader reader = RowFile.Open(path);
        if (reader.Width != 1)
            throw new FlowException($"{path}: has {reader.Width} values a row; labels are one class a row");
        var labels = new double[images + 1];
        int count = 0;
        while (count <= images && reader.Read(labels.AsSpan(count, 1)) > 0)
            count++;
        return count == images
            ? new Table(labels[..images], 1, ["class"])
            : throw new FlowException($"{path}: has {(count > images ? "more than" : "")} {Math.Min(count, images)} labels for the {images} images of {data}".Replace("  ", " ", StringComparison.Ordinal));
    }
}
