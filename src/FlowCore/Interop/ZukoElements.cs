using FlowCore.Bijections.Elements;

namespace FlowCore.Interop;

/// <summary>zuko's univariate transforms.</summary>
internal static class ZukoElements
{
    public static ElementSpec Of(DescribedNode node) => node["type"].Text switch
    {
        "affine" => Affine(node),
        "rqs" => Spline(node),
        "circular_shift_then_rqs" => Spline(node) with { HalfTurn = true },
        "GaussianizationTransform" => new GaussianizationElementSpec { Components = Shapes(node, 2)[0][0] },
        "ShiftedSOSPTransform" => SumOfSquares(node),
        "BoundedBernsteinTransform" => Bernstein(node),
        "MNN" => FeatureNetworks.Monotonic(node),
        "UMNN" => FeatureNetworks.Integral(node),
        var other => throw node.Error(
            $"the univariate transform '{other}' is not supported; supported are affine, rqs, circular rqs, Gaussianization, ShiftedSOSP, BoundedBernstein, MNN and UMNN"),
    };

    public static AffineElementSpec Affine(DescribedNode node) => new() { Scale = ScaleMap.Softclip, Bound = -Math.Log(Slope(node)) };

    private static SplineElementSpec Spline(DescribedNode node) => new()
    {
        Bins = node["bins"].Int,
        Bound = node["bound"].Number,
        SoftclipSlope = Slope(node),
    };

    private static SumOfSquaresElementSpec SumOfSquares(DescribedNode node)
    {
        int[][] shapes = Shapes(node, 2);
        Keywords(node, "slope");
        return new() { Polynomials = shapes[0][0], Degree = shapes[0][1] - 1, Slope = Slope(node["keywords"]) };
    }

    private static BernsteinElementSpec Bernstein(DescribedNode node)
    {
        Keywords(node, "bound");
        return new() { Increments = Shapes(node, 1)[0][0], Bound = node.Optional("keywords")?.Optional("bound")?.Number ?? 5 };
    }

    // The same keys and shapes mean another function under another slope, so it is never guessed.
    private static double Slope(DescribedNode node) => node.Optional("slope")?.Number
        ?? throw node.Error("slope: is not stated, and the weights do not tell it; zuko's default is 1e-3 up to 1.0.0, 1e-4 from 1.0.1 to 1.4.1, and 1e-3 from 1.5.0");

    private static int[][] Shapes(DescribedNode node, int count)
    {
        int[][] shapes = [.. node["shapes"].Items.Select(shape => shape.Ints)];
        return shapes.Length == count ? shapes : throw node.Error($"shapes: {count} parameters are expected, {shapes.Length} are given");
    }

    private static void Keywords(DescribedNode node, params string[] known)
    {
        if (node.Optional("keywords") is { } keywords)
            foreach (var keyword in keywords.Json.EnumerateObject())
                if (!known.Contains(keyword.Name))
                    throw keywords.Error($"the option '{keyword.Name}' is not supported");
    }
}
