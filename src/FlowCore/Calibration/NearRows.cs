namespace FlowCore.Calibration;

/// <summary>
/// Rows in an order in which successive ones lie together: all of them are cut in two across the direction in which they spread most, and so are
/// the halves, down to blocks (Boley 1998, principal direction divisive partitioning). It is the same for the same rows.
/// </summary>
internal static class NearRows
{
    private const int Steps = 6;

    /// <summary>The places of the rows, in that order.</summary>
    /// <param name="rows">The rows, flat.</param>
    /// <param name="width">The number of values in a row.</param>
    /// <param name="block">The rows of a block: all blocks but the last are full.</param>
    public static int[] Order(float[] rows, int width, int block)
    {
        int[] order = [.. Enumerable.Range(0, rows.Length / width)];
        Cut(rows, width, block, order, new double[order.Length], new double[width], new double[width]);
        return order;
    }

    private static void Cut(float[] rows, int width, int block, Span<int> places, double[] along, double[] centre, double[] direction)
    {
        if (places.Length <= block)
            return;
        Array.Clear(centre);
        foreach (int place in places)
            for (int i = 0; i < width; i++)
                centre[i] += rows[place * width + i] / (double)places.Length;
        FindDirection(rows, width, places, along, centre, direction);
        along.AsSpan(0, places.Length).Sort(places);
        int half = Math.Max(1, places.Length / 2 / block) * block;
        Cut(rows, width, block, places[..half], along, centre, direction);
        Cut(rows, width, block, places[half..], along, centre, direction);
    }

    // The direction of the largest variance by a few steps of the power method, from the row that lies farthest from the centre on; and the rows
    // along it.
    private static void FindDirection(float[] rows, int width, ReadOnlySpan<int> places, double[] along, double[] centre, double[] direction)
    {
        double farthest = -1;
        foreach (int place in places)
        {
            double away = 0;
            for (int i = 0; i < width; i++)
                away += (rows[place * width + i] - centre[i]) * (rows[place * width + i] - centre[i]);
            if (away <= farthest)
                continue;
            farthest = away;
            for (int i = 0; i < width; i++)
                direction[i] = rows[place * width + i] - centre[i];
        }
        for (int step = 0; ; step++)
        {
            double length = Math.Sqrt(direction.Sum(value => value * value));
            for (int i = 0; i < width; i++)
                direction[i] /= length > 0 ? length : 1;
            for (int row = 0; row < places.Length; row++)
            {
                along[row] = 0;
                for (int i = 0; i < width; i++)
                    along[row] += (rows[places[row] * width + i] - centre[i]) * direction[i];
            }
            if (step == Steps)
                return;
            Array.Clear(direction);
            for (int row = 0; row < places.Length; row++)
                for (int i = 0; i < width; i++)
                    direction[i] += along[row] * (rows[places[row] * width + i] - centre[i]);
        }
    }
}
