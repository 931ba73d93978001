namespace FlowCore.Bijections.Elements;

/// <summary>Gauss-Legendre quadrature on [0, 1].</summary>
internal static class GaussLegendre
{
    /// <summary>Nodes and weights that integrate polynomials up to degree 2n - 1 exactly, by Newton on the Legendre polynomial.</summary>
    public static (double[] Nodes, double[] Weights) Rule(int n)
    {
        var nodes = new double[n];
        var weights = new double[n];
        for (int i = 0; i < n; i++)
        {
            double x = Math.Cos(Math.PI * (i + 0.75) / (n + 0.5)), slope = 1;
            for (int step = 0; step < 100; step++)
            {
                double previous = 1, value = x;
                for (int k = 2; k <= n; k++)
                    (previous, value) = (value, ((2 * k - 1) * x * value - (k - 1) * previous) / k);
                slope = n * (x * value - previous) / (x * x - 1);
                double change = value / slope;
                x -= change;
                if (Math.Abs(change) < 1e-16)
                    break;
            }
            nodes[i] = (x + 1) / 2;
            weights[i] = 1 / ((1 - x * x) * slope * slope);
        }
        return (nodes, weights);
    }
}
