namespace FlowCore.Training.Mixtures;

/// <summary>
/// Groups of near rows: centres that lie far apart (Arthur, Vassilvitskii 2007, "k-means++: the advantages of careful seeding"), moved
/// to the middles of their rows a few times (Lloyd 1982).
/// </summary>
internal static class Centres
{
    /// <summary>The group of each row.</summary>
    public static int[] Assign(Table rows, int count, Random random, int rounds)
    {
        int width = rows.Width;
        double[] centres = Seeds(rows, count, random);
        var nearest = new int[rows.Rows];
        for (int round = 0; round <= rounds; round++)
        {
            for (int row = 0; row < nearest.Length; row++)
                nearest[row] = Nearest(rows.Row(row), centres, count);
            if (round == rounds)
                break;
            var sums = new double[centres.Length];
            var counts = new int[count];
            for (int row = 0; row < nearest.Length; row++)
            {
                counts[nearest[row]]++;
                ReadOnlySpan<double> values = rows.Row(row);
                for (int i = 0; i < width; i++)
                    sums[nearest[row] * width + i] += values[i];
            }
            for (int i = 0; i < centres.Length; i++)
                if (counts[i / width] > 0)
                    centres[i] = sums[i] / counts[i / width];
        }
        return nearest;
    }

    // Each next one is a row, drawn by the square of its distance from those before.
    private static double[] Seeds(Table rows, int count, Random random)
    {
        int width = rows.Width;
        var centres = new double[count * width];
        var distance = new double[rows.Rows];
        Array.Fill(distance, double.PositiveInfinity);
        int chosen = random.Next(rows.Rows);
        for (int centre = 0; centre < count; centre++)
        {
            ReadOnlySpan<double> at = rows.Row(chosen);
            at.CopyTo(centres.AsSpan(centre * width));
            double total = 0;
            for (int row = 0; row < distance.Length; row++)
                total += distance[row] = Math.Min(distance[row], Distance(rows.Row(row), at));
            double drawn = random.NextDouble() * total;
            chosen = 0;
            while (chosen < distance.Length - 1 && (drawn -= distance[chosen]) > 0)
                chosen++;
        }
        return centres;
    }

    private static int Nearest(ReadOnlySpan<double> row, double[] centres, int count)
    {
        int best = 0;
        double least = double.PositiveInfinity;
        for (int centre = 0; centre < count; centre++)
            if (Distance(row, centres.AsSpan(centre * row.Length, row.Length)) is var distance && distance < least)
                (least, best) = (distance, centre);
        return best;
    }

    private static double Distance(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
            sum += (a[i] - b[i]) * (a[i] - b[i]);
        return sum;
    }
}
