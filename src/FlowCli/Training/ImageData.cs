using FlowCore;
using FlowCore.Training;
using FlowRows.Tables;

namespace FlowCli.Training;

/// <summary>Images to train on: flat rows [channels, height, width], with a class each where labels are given.</summary>
internal static class ImageData
{
    public static TrainingData Load(TrainingRequest request, int[] shape, Terminal terminal)
    {
        TrainingTable images = TrainingTable.Read(request.Data, Layout(request.Name, shape), request, terminal);
        Table? classes = request.Labels is null ? null : Labels(request.Labels, images.Rows, request, terminal);
        ContextSpec? context = classes is null ? null : new() { Classes = ClassLabels.Count(classes, request.Labels!, at => $"row {at}") };
        return new(new Table(images.Values, images.Width, null, classes), context, images.Positions, "row", 0, request.Data, TrainingData.Sha256Of(request.Data));
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

    private static Table Labels(string path, int images, TrainingRequest request, Terminal terminal)
    {
        TrainingTable labels = TrainingTable.Read(path, Layout("class", [1]), request, terminal);
        return labels.Rows == images
            ? new Table(labels.Values, 1, ["class"])
            : throw new FlowException($"{path}: has {labels.Rows} labels for the {images} images of {request.Data}");
    }

    // Columns of any names will do: an image's values have none.
    private static ModelLayout Layout(string name, int[] shape) =>
        new(name, new FlowSpec { Name = name, EventShape = shape, Bijections = [] }, RowNames.X, hasContext: false);
}
