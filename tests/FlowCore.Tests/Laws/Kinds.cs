using FlowCore.Bijections;
using FlowCore.Conditioners;

namespace FlowCore.Tests.Laws;

/// <summary>One kind of bijection under one choice of its options, for any number of features.</summary>
public sealed record Kind(string Name, Func<int, BijectionSpec> Of)
{
    /// <summary>The fewest features it makes sense for.</summary>
    public int Least { get; init; } = 2;

    /// <summary>Whether its data live in (0, 1) instead of on the real line.</summary>
    public bool UnitInterval { get; init; }

    public override string ToString() => Name;
}

/// <summary>Every kind and every option: a new kind is one line here.</summary>
public static class Kinds
{
    private static readonly ConditionerSpec Mlp = new MlpSpec { Hidden = [9, 8] };

    private static readonly CouplingMask[] Masks =
        [CouplingMask.FirstHalf, CouplingMask.SecondHalf, CouplingMask.Even, CouplingMask.Odd];

    private static readonly ConditionerSpec[] Conditioners =
    [
        new LinearConditionerSpec(),
        new MlpSpec { Hidden = [] },
        .. Enum.GetValues<Activation>().Select(activation => new MlpSpec { Hidden = [7, 6], Activation = activation }),
        new ResidualNetSpec { Width = 8, Blocks = 0 },
        new ResidualNetSpec { Width = 6, Blocks = 2, Activation = Activation.Tanh },
    ];

    public static readonly Kind[] All =
    [
        .. Masks.Select(mask => new Kind($"affine coupling, {mask.Name}", _ => new AffineCouplingSpec { Mask = mask, Conditioner = Mlp })),
        new("affine coupling, explicit mask", d => new AffineCouplingSpec { Mask = EveryThird(d), Conditioner = Mlp }),
        .. Enum.GetValues<LogScaleMap>().Select(map =>
            new Kind($"affine coupling, log-scale {map}", _ => new AffineCouplingSpec { Mask = CouplingMask.Odd, Conditioner = Mlp, LogScale = map })),
        .. Conditioners.Select((conditioner, i) =>
            new Kind($"affine coupling, conditioner {i}", _ => new AffineCouplingSpec { Mask = CouplingMask.SecondHalf, Conditioner = conditioner })),
        .. Masks.Select(mask => new Kind($"spline coupling, {mask.Name}", _ => new SplineCouplingSpec { Mask = mask, Conditioner = Mlp })),
        new("spline coupling, 1 bin", _ => new SplineCouplingSpec { Mask = CouplingMask.Odd, Conditioner = Mlp, Bins = 1 }),
        new("spline coupling, 20 narrow bins", _ => new SplineCouplingSpec
        {
            Mask = CouplingMask.Even, Conditioner = Mlp, Bins = 20, Bound = 1.5, MinWidth = 1e-2, MinHeight = 1e-4, MinSlope = 0.1,
        }),
        .. Enum.GetValues<FeatureOrder>().Where(order => order != FeatureOrder.Explicit).Select(order =>
            new Kind($"permutation, {order}", _ => new PermutationSpec { Order = order, Seed = 7 }) { Least = 1 }),
        new("permutation, explicit", d => new PermutationSpec { Order = FeatureOrder.Explicit, Indices = [.. Enumerable.Range(1, d - 1), 0] }) { Least = 1 },
        new("linear", _ => new LinearSpec()) { Least = 1 },
        new("act norm", _ => new ActNormSpec()) { Least = 1 },
        new("standardize", _ => new StandardizeSpec()) { Least = 1 },
        new("logit", _ => new LogitSpec()) { Least = 1, UnitInterval = true },
        new("logit, no margin", _ => new LogitSpec { Alpha = 0 }) { Least = 1, UnitInterval = true },
        new("logit of another interval", _ => new LogitSpec { Alpha = 1e-6, Lower = -2, Upper = 3 }) { Least = 1, UnitInterval = true },
        new("dequantize", d => new DequantizeSpec { Steps = [.. Enumerable.Range(0, d).Select(i => (double)(i % 3))] }) { Least = 1 },
    ];

    public static IEnumerable<TheoryDataRow<Kind>> Rows => All.Select(kind => new TheoryDataRow<Kind>(kind));

    private static CouplingMask EveryThird(int features) =>
        CouplingMask.Explicit([.. Enumerable.Range(0, features).Select(i => i % 3 == 1)]);
}
