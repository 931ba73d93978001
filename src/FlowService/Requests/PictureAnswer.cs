using FlowCore;
using FlowRows.Pictures;
using FlowService.Batching;
using FlowService.Errors;
using FlowService.Models;

namespace FlowService.Requests;

/// <summary>Rows of an image model as a picture instead of numbers.</summary>
internal sealed class PictureAnswer
{
    private readonly ImageGrid grid;

    private PictureAnswer(ImageGrid grid) => this.grid = grid;

    /// <summary>The picture that the client asks for by its header Accept, or null where it wants numbers.</summary>
    /// <param name="http">The request.</param>
    /// <param name="request">Its range, if it has one.</param>
    /// <param name="model">The model that answers.</param>
    /// <param name="images">The number of rows.</param>
    /// <param name="columns">How many images stand on one line.</param>
    /// <exception cref="RequestException">406 where the model's data are not images, 422 where the picture cannot be drawn.</exception>
    public static PictureAnswer? Asked(HttpContext http, RowRequest request, ServedModel model, int images, int columns) =>
        MediaTypes.Choose(http.Request, ImageGrid.Shows(model.Spec) ? [MediaTypes.Json, MediaTypes.Png] : [MediaTypes.Json], Reason(model)) == MediaTypes.Png
            ? Of(request, model, images, columns)
            : null;

    /// <summary>Why a model has no pictures, for a message; nothing where it has.</summary>
    public static string Reason(ServedModel model) => ImageGrid.Shows(model.Spec) ? ""
        : $" (the data of model '{model.Name}' have the shape [{string.Join(", ", model.Spec.EventShape)}]; pictures are of [1, H, W] and [3, H, W])";

    /// <summary>The picture of so many rows.</summary>
    /// <exception cref="RequestException">422 where it cannot be drawn.</exception>
    public static PictureAnswer Of(RowRequest request, ServedModel model, int images, int columns)
    {
        var grid = new ImageGrid(model.Spec, Range(request) ?? PixelRange.Of(model.Spec), images, columns);
        return grid.Fits
            ? new PictureAnswer(grid)
            : throw new RequestException(ProblemKind.InvalidArgument, $"a picture of {images} images, {columns} on a line, is too large; ask for fewer, or for {MediaTypes.Json}");
    }

    public Task WriteAsync(HttpResponse response, WorkItem work, CancellationToken cancellation)
    {
        Span<float> images = work.Results.Values.Span;
        if (work.Operation == Operation.Sample && DownSampling.Of(work.Model.Spec) is { } sampling)
        {
            var means = new float[work.Input.Count * work.Model.Spec.ContextWidth];
            work.Input.CopyContext(0, work.Input.Count, work.Model.Spec.ContextWidth, means);
            images = images.ToArray(); // what is cached keeps its digits
            sampling.Round<float>(images, means);
        }
        byte[] png = grid.Draw(images);
        response.ContentType = MediaTypes.Png;
        response.ContentLength = png.Length;
        return response.Body.WriteAsync(png, cancellation).AsTask();
    }

    private static PixelRange? Range(RowRequest request) => request.Range switch
    {
        null => null,
        { Values.Span: [var low, var high] } when low < high => new(low, high),
        _ => throw new RequestException(ProblemKind.InvalidArgument, "range must be [low, high], two numbers with low below high")
        { Field = RequestFields.Range.Name },
    };
}
