using FlowCore.Densities;

namespace FlowCli;

/// <summary>Two interleaving half circles of radius 1, as in scikit-learn's make_moons, with normal noise: rows (x, y).</summary>
internal static class TwoMoons
{
    private const int NoisePerRow = 4;

    public static double[] Draw(int rows, ulong seed, double deviation)
    {
        var noise = new double[rows * NoisePerRow];
        Noise.FillNormal(seed, 0, NoisePerRow, noise.AsSpan());
        var values = new double[rows * 2];
        for (int i = 0; i < rows; i++)
        {
            ReadOnlySpan<double> normal = noise.AsSpan(i * NoisePerRow, NoisePerRow);
            // The direction of two independent normals is uniform on the circle; its half is uniform on the arc.
            double angle = (Math.Atan2(normal[1], normal[0]) + Math.PI) / 2;
            bool lower = i % 2 == 1;
            values[2 * i] = (lower ? 1 - Math.Cos(angle) : Math.Cos(angle)) + deviation * normal[2];
            values[2 * i + 1] = (lower ? 0.5 - Math.Sin(angle) : Math.Sin(angle)) + deviation * normal[3];
        }
        return values;
    }
}
