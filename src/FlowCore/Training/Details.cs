using FlowCore.Bijections;

namespace FlowCore.Training;

/// <summary>
/// What is left to learn of images whose context is their own means: their details, as a Haar transform gives them, in an orthonormal
/// basis. Densities of the images given their means are densities of these.
/// </summary>
internal static class Details
{
    /// <summary>The table itself, unless its context is the means of its images.</summary>
    public static Table Of(Table table, FlowSpec spec)
    {
        if (spec.Context?.BlockMeans is not { } side)
            return table;
        int width = spec.FreeWidth;
        var values = new double[table.Rows * width];
        for (int row = 0; row < table.Rows; row++)
            Write(table.Row(row).ToArray(), spec.EventShape, side, values.AsSpan(row * width, width));
        return new Table(values, width, context: table.Context);
    }

    private static void Write(double[] image, int[] shape, int side, Span<double> details)
    {
        int filled = 0;
        double[] matrix = Haar.Matrix(shape[0]);
        for (EventShape place = EventShape.Of(shape, 0); side > 1; side /= 2)
        {
            int[] squeezed = Squeeze.Sources(place, SqueezeOrder.ByChannel);
            int channels = place.Channels, pixels = place.Pixels / 4;
            var means = new double[channels * pixels];
            for (int row = 0; row < 4 * channels; row++)
                for (int pixel = 0; pixel < pixels; pixel++)
                {
                    double sum = 0;
                    int block = row < channels ? row : (row - channels) / 3; // the channel that this row is made of
                    for (int at = 4 * block; at < 4 * block + 4; at++)
                        sum += matrix[row * 4 * channels + at] * image[squeezed[at * pixels + pixel]];
                    if (row < channels)
                        means[row * pixels + pixel] = sum;
                    else
                        details[filled++] = sum;
                }
            (image, place) = (means, place with { Sizes = [channels, place.Image.Height / 2, place.Image.Width / 2] });
        }
    }
}
