using System.Runtime.InteropServices;
using FlowCore;
using FlowCore.Bijections;
using FlowCore.Bijections.Elements;
using FlowCore.Calibration;
using FlowCore.Checkpoints;
using FlowCore.Conditioners;
using FlowCore.Densities;
using FlowCore.Training;

namespace FlowService.Tests.Support;

/// <summary>Small untrained flows, and repositories of them in a folder of their own.</summary>
internal static class TestModels
{
    public const string Plain = "two-moons", Wide = "wide", Classes = "digits", Conditional = "posterior", Named = "patients";

    public static FlowSpec Spec(string name, int features, ContextSpec? context = null, int hidden = 16) => new()
    {
        Name = name,
        EventShape = [features],
        Context = context,
        Bijections =
        [
            Coupling(CouplingMask.SecondHalf, hidden),
            Coupling(CouplingMask.FirstHalf, hidden),
            Coupling(CouplingMask.SecondHalf, hidden),
            Coupling(CouplingMask.FirstHalf, hidden),
        ],
    };

    private static CouplingSpec Coupling(CouplingMask mask, int hidden) =>
        new() { Mask = mask, Element = new AffineElementSpec(), Conditioner = new MlpSpec { Hidden = [hidden, hidden] } };

    /// <summary>A flow that maps x to x: its log density is the standard normal's.</summary>
    public static FlowSpec Identity(string name, int features) => new()
    {
        Name = name,
        EventShape = [features],
        Bijections = [new PermutationSpec { Order = FeatureOrder.Reverse }],
    };

    public static void Write(string repository, FlowSpec spec, int version = 1, float scale = 1, int calibrationRows = 0)
    {
        using Flow flow = FlowBuilder.Build(spec);
        Checkpoint untrained = Checkpoint.Of(flow);
        var random = new Random(version);
        Checkpoint some = untrained with { Weights = untrained.Weights.ToDictionary(each => each.Key, each => Some(each.Value, random, scale)) };
        if (calibrationRows > 0)
            some = some with { Calibration = CalibrationRun.Of(some, Rows(spec, calibrationRows)) };
        some.Write(Path.Combine(repository, spec.Name, $"{version}"), "# A test model\n");
    }

    /// <summary>Normal rows, and normal contexts.</summary>
    private static Table Rows(FlowSpec spec, int count)
    {
        var values = new double[count * spec.Width];
        var contexts = new double[count * spec.ContextWidth];
        Noise.FillNormal(1, 0, spec.Width, values.AsSpan());
        if (spec.ContextWidth > 0)
            Noise.FillNormal(2, 0, spec.ContextWidth, contexts.AsSpan());
        return new(values, spec.Width, null, spec.ContextWidth > 0 ? new Table(contexts, spec.ContextWidth) : null);
    }

    /// <summary>Weights that do something: an untrained flow is the identity.</summary>
    private static WeightTensor Some(WeightTensor tensor, Random random, float scale)
    {
        if (tensor.Type != WeightType.F32)
            return tensor;
        byte[] bytes = new byte[tensor.Data.Length];
        foreach (ref float value in MemoryMarshal.Cast<byte, float>(bytes.AsSpan()))
            value = scale * (random.NextSingle() - 0.5f);
        return tensor with { Data = bytes };
    }

    /// <summary>A repository of one model of each kind.</summary>
    public static TemporaryFolder Repository()
    {
        var folder = new TemporaryFolder();
        Write(folder.Path, Spec(Plain, 2), calibrationRows: 400);
        Write(folder.Path, Spec(Wide, 30));
        Write(folder.Path, Spec(Classes, 4, new ContextSpec { Classes = 3 }));
        Write(folder.Path, Spec(Conditional, 3, new ContextSpec { Size = 2 }));
        Write(folder.Path, Spec(Named, 2, new ContextSpec { Size = 1, Features = ["age"] }) with { Features = ["height", "weight"] }, calibrationRows: 400);
        return folder;
    }
}

/// <summary>A folder that is gone with its test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("flowservice-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
