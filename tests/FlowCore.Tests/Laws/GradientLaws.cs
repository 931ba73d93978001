using CsCheck;
using FlowCore.Bijections;
using FlowCore.Checkpoints;
using FlowCore.Conditioners;
using FlowCore.Conditioners.Layers;
using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Training;
using FlowCore.Training;
using static TorchSharp.torch;

namespace FlowCore.Tests.Laws;

/// <summary>
/// What holds of every kind's way back, in float64: the compiled gradients by parameters, rows and contexts are those of TorchSharp's
/// automatic differentiation.
/// </summary>
public sealed class GradientLaws
{
    private const double Tolerance = 1e-9;

    // Batch norm inside a network takes the statistics of a whole batch, which no tile sees: it is left out of the networks here.
    private static IEnumerable<Kind> All => Kinds.Rows.Select(row => row.Data with { Of = features => WithoutBatchNorm(row.Data.Of(features)) });

    public static IEnumerable<TheoryDataRow<Kind>> Trained => All.Where(kind => WhyNot(kind) is null).Select(kind => new TheoryDataRow<Kind>(kind));

    /// <summary>A new kind without a way back is named here, not forgotten.</summary>
    [Fact]
    public void The_kinds_without_a_way_back_are_known() =>
        Assert.Equal(
            [
                "coupling, periodic features", "inverse autoregressive",
                "elementwise, Gaussianization", "elementwise, sum of squares", "elementwise, Bernstein",
                "elementwise, mixture", "elementwise, monotonic networks", "elementwise, integrals",
                "autoregressive, Gaussianization", "autoregressive, sum of squares", "autoregressive, Bernstein",
                "autoregressive, mixture", "autoregressive, monotonic networks", "autoregressive, integrals",
                "elementwise, one monotonic network", "autoregressive, monotonic networks, 2 passes", "coupling, one integral, on the kept half too",
                "planar", "planar, image", "wrap", "wrap, shifted",
            ],
            All.Where(kind => WhyNot(kind) is not null).Select(kind => kind.Name));

    [Theory, MemberData(nameof(Trained))]
    public void The_compiled_gradients_are_those_of_automatic_differentiation(Kind kind) => Instance.Of(kind).Sample(
        instance =>
        {
            using var scope = NewDisposeScope();
            using Flow flow = instance.Build();
            GradientComparison.Holds(flow, instance.Data(), instance.Condition(), Tolerance);
        },
        iter: 8, threads: 1);

    /// <summary>A spline at its bounds and beyond them, scales where they are all but cut off.</summary>
    [Theory, MemberData(nameof(Trained))]
    public void Gradients_hold_far_out_too(Kind kind)
    {
        if (kind.UnitInterval || kind.Angle || kind.Image is not null || kind.Given is not null)
            return;
        double[] places = [5, -5, 4.9999999, 1.5, -1.5, 0.1, 7, -9, 12];
        using var scope = NewDisposeScope();
        using Flow flow = new Instance(kind, kind.Most, kind.NeedsContext ? 1 : 0, 1, 1).Build();
        RandomWeights.Fill(flow, seed: 3);
        Tensor rows = tensor(places).unsqueeze(1).expand(-1, kind.Most).contiguous();
        GradientComparison.Holds(flow, rows, kind.NeedsContext ? tensor(places).unsqueeze(1) : null, Tolerance);
    }

    /// <summary>Where the exponential of a small matrix is a short series.</summary>
    [Theory, InlineData(0.001), InlineData(0.02), InlineData(0.049), InlineData(0.06)]
    public void Gradients_of_small_rotations_hold_too(double angle)
    {
        using var scope = NewDisposeScope();
        using Flow flow = new Instance(All.Single(kind => kind.Name == "rotation"), 2, 0, 1, 1).Build();
        using (no_grad())
            flow.named_parameters().Single().parameter.copy_(tensor([0, angle, 0, 0]).reshape(2, 2));
        GradientComparison.Holds(flow, tensor([5, 1, 0.3, -4]).reshape(2, 2), null, Tolerance);
    }

    [Fact]
    public void Batch_norm_inside_a_network_is_left_to_the_other_engine()
    {
        Kind kind = Kinds.Rows.Select(row => row.Data).Single(kind => kind.Name == "coupling, every layer");
        Assert.Equal("bijections[0].batch_norm: training takes the statistics of the whole batch", WhyNot(kind));
    }

    private static BijectionSpec WithoutBatchNorm(BijectionSpec spec) => spec is CouplingSpec { Conditioner: SequenceSpec network } coupling
        ? coupling with { Conditioner = network with { Steps = WithoutBatchNorm(network.Steps) } }
        : spec;

    private static LayerSpec[] WithoutBatchNorm(LayerSpec[] layers) =>
    [
        .. layers.Where(layer => layer is not BatchNormLayerSpec).Select(layer => layer switch
        {
            ResidualLayerSpec residual => residual with { Inner = WithoutBatchNorm(residual.Inner) },
            ParallelLayerSpec parallel => parallel with { Branches = [.. parallel.Branches.Select(WithoutBatchNorm)] },
            WaveNetSpec net => net with { BatchNorm = false },
            SkipSumSpec skip => skip with { Blocks = WithoutBatchNorm(skip.Blocks) },
            _ => layer,
        }),
    ];

    private static string? WhyNot(Kind kind)
    {
        using Flow flow = new Instance(kind, kind.Image?.Aggregate((a, b) => a * b) ?? kind.Least, kind.NeedsContext ? 1 : 0, 1, 1).Build();
        try
        {
            new CompiledTraining<double>(Checkpoint.Of(flow), 1, new Dictionary<string, LearningRate>()).Dispose();
            return null;
        }
        catch (NotCompiledException e)
        {
            return e.Message;
        }
    }
}
