using FlowCore.Densities;

namespace FlowCli;

/// <summary>A curve in the plane that rows (x, y) are drawn about, with normal noise.</summary>
/// <param name="PointOf">The point of a row's number and a uniform number.</param>
internal sealed record PlaneShape(Func<int, double, (double X, double Y)> PointOf)
{
    private const int NoisePerRow = 4;
    private const double Start = 0.15, Turns = 1.75, Radius = 2;

    /// <summary>Two interleaving half circles of radius 1, as in scikit-learn's make_moons, evenly along each.</summary>
    public static PlaneShape TwoMoons { get; } = new(static (row, uniform) =>
    {
        (double sine, double cosine) = Math.SinCos(Math.PI * uniform);
        return row % 2 == 1 ? (1 - cosine, 0.5 - sine) : (cosine, sine);
    });

    /// <summary>One arm of a spiral of Archimedes that turns one and three quarter times out to radius 2, evenly along the arm.</summary>
    public static PlaneShape Spiral { get; } = new(static (_, uniform) =>
    {
        // The arm is as long up to a place as that is far out, squared.
        double along = Math.Sqrt(Start * Start + (1 - Start * Start) * uniform);
        (double sine, double cosine) = Math.SinCos(2 * Math.PI * Turns * along);
        return (Radius * along * cosine, Radius * along * sine);
    });

    /// <summary>Draws rows, the same for the same seed.</summary>
    /// <param name="rows">How many.</param>
    /// <param name="seed">Of the noise.</param>
    /// <param name="deviation">The noise's standard deviation.</param>
    /// <returns>[rows, 2], flat.</returns>
    public double[] Draw(int rows, ulong seed, double deviation)
    {
        var noise = new double[rows * NoisePerRow];
        Noise.FillNormal(seed, 0, NoisePerRow, noise.AsSpan());
        var values = new double[rows * 2];
        for (int i = 0; i < rows; i++)
        {
            ReadOnlySpan<double> normal = noise.AsSpan(i * NoisePerRow, NoisePerRow);
            // The direction of two independent normals is uniform.
            (double x, double y) = PointOf(i, (Math.Atan2(normal[1], normal[0]) + Math.PI) / (2 * Math.PI));
            (values[2 * i], values[2 * i + 1]) = (x + deviation * normal[2], y + deviation * normal[3]);
        }
        return values;
    }
}
