using FlowCore.Densities;

namespace FlowCli;

/// <summary>One arm of a spiral of Archimedes that turns one and three quarter times out to radius 2, evenly along the arm, with normal noise: rows (x, y).</summary>
internal static class Spiral
{
    private const int NoisePerRow = 4;
    private const double Start = 0.15, Turns = 1.75, Radius = 2;

    public static double[] Draw(int rows, ulong seed, double deviation)
    {
        var noise = new double[rows * NoisePerRow];
        Noise.FillNormal(seed, 0, NoisePerRow, noise.AsSpan());
        var values = new double[rows * 2];
        for (int i = 0; i < rows; i++)
        {
            ReadOnlySpan<double> normal = noise.AsSpan(i * NoisePerRow, NoisePerRow);
            // The direction of two independent normals is uniform. The arm is as long up to a place as that is far out, squared.
            double uniform = (Math.Atan2(normal[1], normal[0]) + Math.PI) / (2 * Math.PI);
            double along = Math.Sqrt(Start * Start + (1 - Start * Start) * uniform), angle = 2 * Math.PI * Turns * along;
            values[2 * i] = Radius * along * Math.Cos(angle) + deviation * normal[2];
            values[2 * i + 1] = Radius * along * Math.Sin(angle) + deviation * normal[3];
        }
        return values;
    }
}
