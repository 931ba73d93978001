using FlowCore.Checkpoints;
using FlowCore.Interop;

namespace FlowCli.Import;

/// <summary>Rows, and what the other library computed from them in float64: <c>cases.safetensors</c> in an export.</summary>
internal sealed class Cases
{
    public const string FileName = "cases.safetensors";
    private const string Trace = "trace/", LogDet = "/log_det";

    private readonly Dictionary<string, WeightTensor> tensors;

    private Cases(Dictionary<string, WeightTensor> tensors) => this.tensors = tensors;

    /// <summary>The cases of a folder; null where it has none with float64 results.</summary>
    public static Cases? Read(string folder)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
            return null;
        var cases = new Cases(Safetensors.Read(File.ReadAllBytes(path), path));
        return cases.Has("x") && cases.Has("log_prob") ? cases : null;
    }

    public bool Has(string key) => tensors.ContainsKey(key);

    public int Rows(string key) => tensors[key].Shape is [var rows, ..] ? checked((int)rows) : 1;

    /// <summary>The values of one tensor, row after row.</summary>
    public double[] Values(string key) => Has(key)
        ? tensors[key].ToDoubles()
        : throw new ImportException($"{FileName}: '{key}' is missing");

    /// <summary>Rows of data as the imported flow takes them: the RealNVP repositories' pixels with the noise that they draw.</summary>
    public double[] Data() =>
        Has("u") ? [.. Values("x").Zip(Values("u"), (pixel, u) => (255 * pixel + u) / 256)] : Values("x");

    /// <summary>Latents in one piece, or of several levels side by side in each row; null where there are none.</summary>
    public double[]? Latents(string name)
    {
        if (Has(name))
            return Values(name);
        string[] levels = [.. Enumerable.Range(0, 64).Select(i => $"{name}_{i}").TakeWhile(Has)];
        if (levels.Length == 0)
            return null;
        int rows = Rows(levels[0]);
        double[][] values = [.. levels.Select(Values)];
        double[] Row(double[] level, int row) => level[(row * (level.Length / rows))..((row + 1) * (level.Length / rows))];
        return [.. Enumerable.Range(0, rows).SelectMany(row => values.SelectMany(level => Row(level, row)))];
    }

    /// <summary>The context of the rows: values, or classes.</summary>
    public double[] Condition(string context, string classes, int values) => values == 0
        ? []
        : Values(Has(classes) ? classes : context);

    /// <summary>The rows behind each layer, from data to latents: the layer's path and class, the key of its rows.</summary>
    public IEnumerable<(string Path, string Key)> Layers() => tensors.Keys
        .Where(key => key.StartsWith(Trace, StringComparison.Ordinal) && !key.EndsWith(LogDet, StringComparison.Ordinal))
        .Where(key => key.Length > Trace.Length + 5)
        .Where(key => key[Trace.Length..(Trace.Length + 4)].All(char.IsAsciiDigit))
        .Order(StringComparer.Ordinal)
        .Select(key => (key[(Trace.Length + 5)..], key));

    public double[] LogDeterminants(string key) => Values(key + LogDet);
}
