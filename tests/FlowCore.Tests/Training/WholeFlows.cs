using FlowCore.Bijections;
using FlowCore.Bijections.Elements;
using FlowCore.Conditioners;
using FlowCore.Conditioners.Layers;
using FlowCore.Densities;
using FlowCore.Tensors;
using FlowCore.Tests.Laws;
using FlowCore.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace FlowCore.Tests.Training;

/// <summary>Flows of many layers as they are trained: every preset, and what no preset has.</summary>
internal static class WholeFlows
{
    private static readonly PixelValues Levels = new(0, 16, 1);

    public static readonly Dictionary<string, FlowSpec> Presets = new()
    {
        ["simple"] = FlowPresets.Create(FlowPresets.Simple, "test", 5),
        ["realnvp"] = FlowPresets.Create(FlowPresets.RealNvp, "test", 5, sizes: new(4, 24)),
        ["nsf"] = FlowPresets.Create(FlowPresets.Nsf, "test", 5, sizes: new(3, 24)),
        ["nsf, tanh, context"] = FlowPresets.Create(FlowPresets.Nsf, "test", 4, sizes: new(3, 20, Activation.Tanh), context: new() { Size = 2 }),
        ["realnvp, classes"] = FlowPresets.Create(FlowPresets.RealNvp, "test", 3, sizes: new(4, 20), context: new() { Classes = 3 }),
        ["maf"] = FlowPresets.Create(FlowPresets.Maf, "test", 5, sizes: new(3, 24)),
        ["maf, context"] = FlowPresets.Create(FlowPresets.Maf, "test", 5, sizes: new(3, 24), context: new() { Size = 3 }),
        ["nsf-ar"] = FlowPresets.Create(FlowPresets.NsfAutoregressive, "test", 5, sizes: new(2, 24)),
        ["glow"] = ImagePresets.Create(ImagePresets.Glow, "test", [2, 4, 4], Levels, new(Layers: 2, Hidden: 12, Levels: 2)),
        ["glow, classes"] = ImagePresets.Create(ImagePresets.Glow, "test", [1, 4, 4], Levels, new(Layers: 2, Hidden: 12, Levels: 2), classes: 3),
        ["realnvp-image"] = ImagePresets.Create(ImagePresets.RealNvp, "test", [1, 4, 4], Levels, new(Layers: 2, Hidden: 12, Levels: 2)),
    };

    public static readonly Dictionary<string, FlowSpec> All = new(Presets)
    {
        ["mixture base"] = Of(4, new GaussianMixtureSpec { Components = 3 }),
        ["full mixture base"] = Of(4, new GaussianMixtureSpec { Components = 3, Covariance = MixtureCovariance.Full }),
        ["diagonal base"] = Of(4, new DiagonalNormalSpec()),
        ["diagonal base, plain scales"] = Of(4, new DiagonalNormalSpec { PlainScale = true }),
        ["levels"] = Of(4, new LevelsSpec { Levels = [new() { Width = 1, Base = new DiagonalNormalSpec() }, new() { Width = 3, Base = new StandardNormalSpec() }] }),
        ["class base"] = Of(4, new ClassNormalSpec(), new() { Classes = 3 }),
        ["channel base by class"] = Of(4, new GlowNormalSpec { Channels = 2, ByClass = true }, new() { Classes = 3 }),
        ["conditional base"] = Of(4, new ConditionalNormalSpec { Conditioner = new MlpSpec { Hidden = [7] } }, new() { Size = 2 }),
        ["embedding"] = Of(4, new StandardNormalSpec(), new()
        {
            Size = 3,
            Embedding = [new StandardizeLayerSpec(), new LinearLayerSpec { Width = 6 }, new ActivationLayerSpec { Function = Activation.Tanh }],
        }),
        ["couplings in a row"] = new()
        {
            Name = "test",
            EventShape = [4],
            Bijections = [Spline(CouplingMask.Odd), Spline(CouplingMask.Even), Spline(CouplingMask.FirstHalf), new LinearSpec(), Spline(CouplingMask.Odd)],
        },
    };

    public static IEnumerable<TheoryDataRow<string>> Names => All.Keys.Select(name => new TheoryDataRow<string>(name));

    public static IEnumerable<TheoryDataRow<string>> PresetNames => Presets.Keys.Select(name => new TheoryDataRow<string>(name));

    /// <summary>A flow with random weights, in float64.</summary>
    public static Flow Random(string name)
    {
        Flow flow = FlowBuilder.Build(All[name]);
        flow.to(float64);
        RandomWeights.Fill(flow, seed: 7, scale: 0.3);
        using var mode = no_grad();
        // Standard deviations that are stored as they are are positive.
        foreach (var (_, scale) in flow.named_parameters().Where(parameter => parameter.name == "base_density.scale"))
            scale.exp_();
        return flow;
    }

    /// <summary>A flow as a training starts it, in float64.</summary>
    public static Flow Started(string name)
    {
        Flow flow = StartingPoint.Build(All[name], seed: 3);
        flow.to(float64);
        return flow;
    }

    public static (double[] Rows, double[] Contexts) Rows(FlowSpec spec, int count, ulong seed)
    {
        double[] rows = new double[count * spec.Width], contexts = new double[count * spec.ContextWidth];
        Noise.FillNormal(seed, 0, spec.Width, rows.AsSpan());
        if (spec.EventShape.Length > 1)
            for (int i = 0; i < rows.Length; i++)
                rows[i] = 8 + 2 * Math.Clamp(rows[i], -3, 3);
        Noise.FillNormal(seed + 1, 0, Math.Max(1, spec.ContextWidth), contexts.AsSpan());
        for (int i = 0; spec.Context?.Classes is { } classes && i < contexts.Length; i++)
            contexts[i] = i % classes;
        return (rows, contexts);
    }

    public static Tensor? Tensor(double[] values, int rows) => values.Length == 0 ? null : TensorRows.From<double>(values, rows, values.Length / rows);

    private static FlowSpec Of(int width, BaseDensitySpec density, ContextSpec? context = null) => new()
    {
        Name = "test",
        EventShape = [width],
        Context = context,
        Bijections = [new ActNormSpec(), Spline(CouplingMask.Odd), new LinearSpec()],
        Base = density,
    };

    private static CouplingSpec Spline(CouplingMask mask) =>
        new() { Mask = mask, Element = new SplineElementSpec { Bins = 4 }, Conditioner = new MlpSpec { Hidden = [9, 8] } };
}
