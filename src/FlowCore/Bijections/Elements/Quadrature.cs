using System.Text.Json.Serialization;

namespace FlowCore.Bijections.Elements;

/// <summary>How an integral over an interval is estimated.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Quadrature>))]
public enum Quadrature
{
    /// <summary>Gauss-Legendre of so many points.</summary>
    [JsonStringEnumMemberName("gauss_legendre")]
    GaussLegendre,

    /// <summary>
    /// Clenshaw-Curtis in so many steps, one point more, as the package UMNN has it: the last term of its sums is not halved, and nodes and
    /// weights are kept in float32.
    /// </summary>
    [JsonStringEnumMemberName("clenshaw_curtis")]
    ClenshawCurtis,
}

/// <summary>Nodes and weights.</summary>
internal static class QuadratureRules
{
    /// <summary>Over [0, 1].</summary>
    public static (double Node, double Weight)[] Rule(this Quadrature quadrature, int points)
    {
        if (quadrature == Quadrature.ClenshawCurtis)
            return [.. Enumerable.Range(0, points + 1).Select(k => ClenshawCurtis(k, points))];
        var (nodes, weights) = GaussLegendre.Rule(points);
        return [.. nodes.Zip(weights)];
    }

    private static (double, double) ClenshawCurtis(int k, int steps)
    {
        double sum = 0;
        for (int i = 0; i <= steps; i += 2)
            sum += (k == 0 ? 0.5 : Math.Cos(i * k * Math.PI / steps) * (k == steps ? 0.5 : 1)) * (i == 0 ? 1 : 2 / (1 - (double)i * i));
        float node = (float)Math.Cos(k * Math.PI / steps) + 1;
        return ((double)node / 2, (double)(float)(sum * 2 / steps) / 2);
    }
}
