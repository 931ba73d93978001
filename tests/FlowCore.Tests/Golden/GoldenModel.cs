using System.Runtime.InteropServices;
using FlowCore.Checkpoints;
using FlowCore.Interop;

namespace FlowCore.Tests.Golden;

/// <summary>A trained model of another library, with the results that library computed from it in float64.</summary>
public sealed class GoldenModel
{
    private readonly Dictionary<string, WeightTensor> cases;

    private GoldenModel(string name, Checkpoint checkpoint, Dictionary<string, WeightTensor> cases) =>
        (Name, Checkpoint, this.cases) = (name, checkpoint, cases);

    public string Name { get; }

    public Checkpoint Checkpoint { get; }

    public static string Root { get; } = Path.Combine(AppContext.BaseDirectory, "golden");

    /// <summary>LIBRARY/NAME of each model.</summary>
    public static IEnumerable<string> Names =>
        Directory.GetFiles(Root, "model.json", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Root, Path.GetDirectoryName(path)!).Replace('\\', '/'))
            .Order(StringComparer.Ordinal);

    public static GoldenModel Read(string name)
    {
        string folder = Path.Combine(Root, name), weights = Path.Combine(folder, "weights.safetensors");
        Checkpoint checkpoint = ForeignModel.Import(
            File.ReadAllBytes(Path.Combine(folder, "model.json")), Safetensors.Read(File.ReadAllBytes(weights), weights), "golden");
        string cases = Path.Combine(folder, "cases.safetensors");
        return new GoldenModel(name, checkpoint, Safetensors.Read(File.ReadAllBytes(cases), cases));
    }

    public bool Has(string key) => cases.ContainsKey(key);

    /// <summary>The values of a case tensor, row-major.</summary>
    public double[] Values(string key)
    {
        WeightTensor tensor = cases[key];
        return tensor.Type switch
        {
            WeightType.F64 => MemoryMarshal.Cast<byte, double>(tensor.Data.Span).ToArray(),
            WeightType.F32 => [.. MemoryMarshal.Cast<byte, float>(tensor.Data.Span).ToArray().Select(value => (double)value)],
            _ => [.. MemoryMarshal.Cast<byte, long>(tensor.Data.Span).ToArray().Select(value => (double)value)],
        };
    }

    /// <summary>The data rows as the served model takes them: the RealNVP repositories' pixels with the noise they would draw.</summary>
    public double[] Data(string key)
    {
        double[] x = Values(key);
        return Has("u") && key == "x" ? [.. x.Zip(Values("u"), (pixel, u) => (255 * pixel + u) / 256)] : x;
    }

    public int Rows(string key) => (int)cases[key].Shape[0];

    /// <summary>Latents in one piece or level by level, the levels side by side in each row; null where the cases have none.</summary>
    public double[]? Latents(string key)
    {
        if (Has(key))
            return Values(key);
        string name = key is "z_in" or "temp_eps" or "eps" ? key : "z";
        double[][] levels = [.. Enumerable.Range(0, 16).Select(i => $"{name}_{i}").TakeWhile(Has).Select(Values)];
        if (levels.Length == 0 || key.Contains("far", StringComparison.Ordinal))
            return null;
        int rows = Rows($"{name}_0");
        var joined = new List<double>();
        for (int i = 0; i < rows; i++)
            foreach (double[] level in levels)
                joined.AddRange(level.AsSpan(i * (level.Length / rows), level.Length / rows));
        return [.. joined];
    }

    /// <summary>The context of the first rows, under the name it has in the cases: floats or classes; empty where the width is 0.</summary>
    public double[] Condition(string context, string classes, int rows, int width) => width == 0
        ? []
        : Values(Has(context) ? context : Has(classes) ? classes : "context")[..(rows * width)];
}
