using FlowCore;
using FlowCore.Training;

namespace FlowCli.Training;

/// <summary>The data that were asked for, and the flow that is to learn them.</summary>
internal sealed record TrainingPlan(TrainingData Data, FlowSpec Spec, string[] Warnings)
{
    /// <summary>The flow of any preset for these data.</summary>
    public required Func<string, FlowSpec> Create { get; init; }

    /// <summary>What one row is, for the card: for images the interval of their pixels.</summary>
    public PixelValues? Pixels { get; init; }

    /// <summary>For each feature of a table the step by which it is dequantised, 0 for none; null where none is.</summary>
    public double[]? Steps { get; init; }

    public static TrainingPlan Of(TrainingRequest request, Terminal terminal) =>
        request.Event is null ? OfTable(request, terminal) : OfImages(request, request.Event, terminal);

    private static TrainingPlan OfTable(TrainingRequest request, Terminal terminal)
    {
        TrainingData data = TrainingData.Load(request, terminal);
        ColumnFacts[] facts = ColumnFacts.Of(data.Table);
        if (request.DropConstant && data.WithoutConstants(facts) is { Dropped.Length: > 0 } varying)
            (data, facts) = (varying, ColumnFacts.Of(varying.Table));
        data.Check(facts);
        DensityChecks.Check(data, facts);
        double[]? steps = request.Dequantize == Dequantizing.None ? null : ValueSteps.ToSpread(facts, decimals: request.Dequantize == Dequantizing.All);
        var far = FarFromZero.Of(data.Table);
        FlowSpec Create(string preset) => FlowPresets.Create(
            preset, request.Name, data.Table.Width, steps, request.Sizes, data.Context, far) with
        { Features = data.Table.Names, Ignored = data.Dropped is { Length: > 0 } dropped ? dropped : null };
        // Of what all candidates share, any one tells.
        FlowSpec spec = Create(request.Preset == FlowSearch.Auto ? FlowPresets.NsfAutoregressive : request.Preset);
        return new(data, spec, [.. DataWarnings.Of(data, facts, steps)]) { Steps = steps, Create = Create };
    }

    private static TrainingPlan OfImages(TrainingRequest request, int[] shape, Terminal terminal)
    {
        TrainingData data = ImageData.Load(request, shape, terminal);
        if (data.Table.Rows < DataSplit.FewestRows)
            throw new FlowException($"{request.Data}: {data.Table.Rows} images are too few to train on: at least {DataSplit.FewestRows} are needed");
        PixelValues pixels = ImageData.PixelsOf(data, request.Dequantize != Dequantizing.None, request.Range);
        bool enlarges = request.Preset == SuperResolutionPreset.Name;
        FlowSpec spec = enlarges
            ? SuperResolutionPreset.Create(request.Name, shape, pixels, request.Scale, request.Sizes)
            : ImagePresets.Create(request.Preset, request.Name, shape, pixels, request.Sizes, data.Context?.Classes);
        if (enlarges)
            data = data.WithMeans(spec);
        return new(data, spec, []) { Pixels = pixels, Create = _ => spec };
    }
}
