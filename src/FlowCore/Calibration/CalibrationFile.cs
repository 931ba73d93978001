using System.Runtime.InteropServices;
using FlowCore.Checkpoints;

namespace FlowCore.Calibration;

/// <summary>The bytes of <c>calibration.safetensors</c>: its tensors, compared with the model to the last name, type and shape.</summary>
internal static class CalibrationFile
{
    private const string LogProb = "log_prob", LatentNorm2 = "latent_norm2", Reference = "reference", Context = "reference_context",
        Mean = "mean", Deviation = "deviation", Weights = "weights_sha256",
        Kernel = "kernel", Combined = "combined", KernelRows = "kernel_rows", KernelInputs = "kernel_inputs", KernelOutputs = "kernel_outputs";

    public static byte[] Bytes(CalibrationSet set, FlowSpec spec)
    {
        var tensors = new Dictionary<string, WeightTensor>(StringComparer.Ordinal)
        {
            [LogProb] = Of(set.LogProb.Scores(), set.Count),
            [LatentNorm2] = Of(set.LatentNorm2.Scores(), set.Count),
            [Reference] = Of(set.Reference.Values, set.Reference.Count, spec.Width),
            [Mean] = Of(set.Columns.Mean, spec.Width),
            [Deviation] = Of(set.Columns.Deviation, spec.Width),
            [Weights] = new(WeightType.U8, [32], Convert.FromHexString(spec.Weights!.Sha256)),
        };
        if (spec.ContextWidth > 0)
            tensors[Context] = Of(set.Reference.Context, set.Reference.Count, spec.ContextWidth);
        if (set.Kernel is { Density: { Coordinates: var at } density })
        {
            tensors[Kernel] = Of(set.Kernel.Near.Scores(), set.Count);
            tensors[Combined] = Of(set.Kernel.Both.Scores(), set.Count);
            tensors[KernelRows] = Of(density.Rows, density.Count, spec.Width);
            tensors[KernelInputs] = Of(at.Inputs, spec.Width, at.Knots);
            tensors[KernelOutputs] = Of(at.Outputs, spec.Width, at.Knots);
        }
        return Safetensors.Write(tensors);
    }

    /// <exception cref="CheckpointException">The message names the file, the tensor, and the remedy.</exception>
    public static CalibrationSet Parse(byte[] bytes, string path, FlowSpec spec)
    {
        Dictionary<string, WeightTensor> tensors = Safetensors.Read(bytes, path);
        string[] needed = [LogProb, LatentNorm2, Reference, Mean, Deviation, Weights, .. spec.ContextWidth > 0 ? [Context] : Array.Empty<string>(),
            .. tensors.ContainsKey(Kernel) ? [Kernel, Combined, KernelRows, KernelInputs, KernelOutputs] : Array.Empty<string>()];
        if (needed.Except(tensors.Keys).FirstOrDefault() is { } missing)
            throw Refused(path, $"tensor '{missing}' is missing");
        if (tensors.Keys.Except(needed).FirstOrDefault() is { } unknown)
            throw Refused(path, $"tensor '{unknown}' is unknown");
        string weights = Convert.ToHexStringLower(Take(tensors, path, Weights, WeightType.U8, 32).Data.Span);
        if (spec.Weights is { } record && weights != record.Sha256)
            throw Refused(path, "it was made with other weights than flow.json names");
        long rows = tensors[LogProb].Shape is [var n] ? n : -1, kept = tensors[Reference].Shape is [var r, _] ? r : -1;
        if (rows < 1)
            throw Refused(path, $"tensor '{LogProb}' is {tensors[LogProb].Describe()}; a row of at least one score is needed");
        if (kept < 1 || kept > rows)
            throw Refused(path, $"tensor '{Reference}' is {tensors[Reference].Describe()}; it holds between 1 and {rows} rows");
        double[] deviation = Numbers(tensors, path, Deviation, WeightType.F64, spec.Width);
        if (Array.FindIndex(deviation, value => value < 0) is >= 0 and var negative)
            throw Refused(path, $"tensor '{Deviation}' is negative at element {negative}");
        return new(
            new(ScoreKind.LogProb, Sorted(tensors, path, LogProb, rows)), new(ScoreKind.LatentNorm2, Sorted(tensors, path, LatentNorm2, rows)),
            new(Floats(tensors, path, Reference, kept, spec.Width), spec.ContextWidth > 0 ? Floats(tensors, path, Context, kept, spec.ContextWidth) : [], spec.Width),
            new(Numbers(tensors, path, Mean, WeightType.F64, spec.Width), deviation),
            tensors.ContainsKey(Kernel) ? KernelOf(tensors, path, rows, spec) : null);
    }

    private static KernelScale KernelOf(Dictionary<string, WeightTensor> tensors, string path, long rows, FlowSpec spec)
    {
        long kept = tensors[KernelRows].Shape is [var k, _] ? k : -1, knots = tensors[KernelInputs].Shape is [_, var n] ? n : -1;
        if (kept is < 1 or > KernelDensity.MostRows)
            throw Refused(path, $"tensor '{KernelRows}' is {tensors[KernelRows].Describe()}; it holds between 1 and {KernelDensity.MostRows} rows");
        if (knots is < 2 or > ScoreCoordinates.MostKnots)
            throw Refused(path, $"tensor '{KernelInputs}' is {tensors[KernelInputs].Describe()}; a column has between 2 and {ScoreCoordinates.MostKnots} knots");
        float[] inputs = Floats(tensors, path, KernelInputs, spec.Width, knots), outputs = Floats(tensors, path, KernelOutputs, spec.Width, knots);
        foreach ((string name, float[] values) in new[] { (KernelInputs, inputs), (KernelOutputs, outputs) })
            for (int i = 1; i < values.Length; i++)
                if (i % knots != 0 && values[i] < values[i - 1])
                    throw Refused(path, $"tensor '{name}' does not ascend at element {i}");
        double[] near = Sorted(tensors, path, Kernel, rows);
        return new(
            new(new(inputs, outputs, spec.Width), Floats(tensors, path, KernelRows, kept, spec.Width)), new(ScoreKind.Kernel, near),
            new(Sorted(tensors, path, LogProb, rows), near), new(ScoreKind.Combined, Sorted(tensors, path, Combined, rows)));
    }

    private static double[] Sorted(Dictionary<string, WeightTensor> tensors, string path, string name, long rows)
    {
        double[] scores = Numbers(tensors, path, name, WeightType.F64, rows);
        for (int i = 1; i < scores.Length; i++)
            if (scores[i] < scores[i - 1])
                throw Refused(path, $"tensor '{name}' is not sorted: element {i} is smaller than the one before it");
        return scores;
    }

    private static float[] Floats(Dictionary<string, WeightTensor> tensors, string path, string name, params long[] shape) =>
        Array.ConvertAll(Numbers(tensors, path, name, WeightType.F32, shape), value => (float)value);

    private static double[] Numbers(Dictionary<string, WeightTensor> tensors, string path, string name, WeightType type, params long[] shape)
    {
        WeightTensor tensor = Take(tensors, path, name, type, shape);
        return tensor.FirstNonFinite() is >= 0 and var bad
            ? throw Refused(path, $"tensor '{name}' holds NaN or infinity at element {bad}")
            : tensor.ToDoubles();
    }

    private static WeightTensor Take(Dictionary<string, WeightTensor> tensors, string path, string name, WeightType type, params long[] shape)
    {
        WeightTensor tensor = tensors[name];
        return tensor.Type == type && tensor.Shape.AsSpan().SequenceEqual(shape)
            ? tensor
            : throw Refused(path, $"tensor '{name}' is {tensor.Describe()}; {type} [{string.Join(", ", shape)}] is needed");
    }

    private static WeightTensor Of(double[] values, params long[] shape) => new(WeightType.F64, shape, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

    private static WeightTensor Of(float[] values, params long[] shape) => new(WeightType.F32, shape, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

    private static CheckpointException Refused(string path, string why) => new($"{path}: {why}; make it anew with flow calibrate, or delete it");
}
