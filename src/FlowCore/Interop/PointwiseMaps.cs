using FlowCore.Bijections;

namespace FlowCore.Interop;

/// <summary>Maps of single values without weights, one after another, as PyTorch's transforms and nflows have them.</summary>
internal static class PointwiseMaps
{
    public static IEnumerable<Part<BijectionSpec>> Of(DescribedNode node, int features) => node["steps"].Items.SelectMany(step =>
    {
        IReadOnlyList<Part<BijectionSpec>> parts = Step(step, features);
        return step.Optional("inverse")?.Flag == true ? parts.Reverse().Select(part => part.Inverted()) : parts;
    });

    private static IReadOnlyList<Part<BijectionSpec>> Step(DescribedNode step, int features) => step["function"].Text switch
    {
        "affine" => [Affine(Each(step["loc"], features), Each(step["scale"], features))],
        "sigmoid" => [Logit(0, 1).Inverted()],
        // tanh x = 2 sigmoid(2 x) - 1.
        "tanh" => [Affine(new double[features], [.. Enumerable.Repeat(2.0, features)]), Logit(-1, 1).Inverted()],
        "exp" => [Part.Of<BijectionSpec>(new LogarithmSpec()).Inverted()],
        "leaky_relu" => [Part.Of<BijectionSpec>(new LeakyReluSpec { Slope = step["slope"].Number })],
        "log_tanh" => [Part.Of<BijectionSpec>(new LogTanhSpec { Cut = step["cut"].Number, Factor = step["factor"].Number })],
        var other => throw step.Error($"the function '{other}' is none of affine, sigmoid, tanh, exp, leaky_relu and log_tanh"),
    };

    private static Part<BijectionSpec> Logit(double lower, double upper) =>
        Part.Of<BijectionSpec>(new LogitSpec { Alpha = 0, Lower = lower, Upper = upper });

    private static Part<BijectionSpec> Affine(double[] shift, double[] scale) => Part.Of<BijectionSpec>(new ScaleShiftSpec(),
        ("shift", TensorSurgery.Doubles(shift, shift.Length)), ("scale", TensorSurgery.Doubles(scale, scale.Length)));

    private static double[] Each(DescribedNode values, int features)
    {
        double[] given = [.. values.Items.Select(value => value.Number)];
        return given.Length == features ? given
            : given.Length == 1 ? [.. Enumerable.Repeat(given[0], features)]
            : throw values.Error($"must hold one value, or one for each of {features} features");
    }
}
