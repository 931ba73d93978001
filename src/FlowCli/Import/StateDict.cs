using FlowCore.Checkpoints;
using FlowCore.Interop;

namespace FlowCli.Import;

/// <summary>The weights in a folder that a foreign model was exported to.</summary>
internal static class StateDict
{
    private const string Module = "module.";
    private static readonly string[] Endings = [".safetensors", ".pt", ".pth", ".pth.tar", ".bin", ".ckpt"];

    /// <summary>The one weights file of a folder: <c>weights.safetensors</c>, or the only file that looks like one.</summary>
    public static string Find(string folder)
    {
        string usual = Path.Combine(folder, "weights.safetensors");
        if (File.Exists(usual))
            return usual;
        string[] files = [.. Directory.GetFiles(folder)
            .Where(path => Endings.Any(ending => path.EndsWith(ending, StringComparison.OrdinalIgnoreCase)) && Path.GetFileName(path) != "cases.safetensors")
            .Order(StringComparer.Ordinal)];
        return files switch
        {
            [var only] => only,
            [] => throw new ImportException($"{folder}: no weights found; they end in {string.Join(", ", Endings)}"),
            _ => throw new ImportException($"{folder}: several files could be the weights ({string.Join(", ", files.Select(Path.GetFileName))}); name one with --weights"),
        };
    }

    public static Dictionary<string, WeightTensor> Read(string path) => path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase)
        ? WithoutModule(Safetensors.Read(File.ReadAllBytes(path), path))
        : TorchFile.Read(path);

    /// <summary>Keys without the prefix that DataParallel puts before all of them.</summary>
    public static Dictionary<string, WeightTensor> WithoutModule(IEnumerable<KeyValuePair<string, WeightTensor>> tensors)
    {
        var all = tensors.ToArray();
        bool prefixed = all.Length > 0 && all.All(item => item.Key.StartsWith(Module, StringComparison.Ordinal));
        var result = new Dictionary<string, WeightTensor>(StringComparer.Ordinal);
        foreach (var (key, tensor) in all)
            if (!result.TryAdd(prefixed ? key[Module.Length..] : key, tensor))
                throw new ImportException($"tensor '{key}' is there twice");
        return result;
    }
}
