using System.Buffers.Binary;
using System.IO.Compression;
using FlowCore.Checkpoints;
using FlowCore.Interop;

namespace FlowCli.Import;

/// <summary>PyTorch's own checkpoint files, zip and legacy: tensors by name, and nothing else.</summary>
internal static class TorchFile
{
    // The low 64 bits of PyTorch's magic number 0x1950a86a20f9469cfc6c.
    private const long LegacyMagic = unchecked((long)0xa86a20f9469cfc6c);

    private static readonly string[] Wrappers = ["state_dict", "net", "model", "model_state_dict", "flow", "weights"];

    public static Dictionary<string, WeightTensor> Read(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        try
        {
            return Tensors(file.AsSpan().StartsWith("PK"u8) ? Zip(file) : Legacy(file), path);
        }
        catch (ImportException e)
        {
            throw new ImportException($"{path}: {e.Message}");
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException or FormatException or OverflowException)
        {
            throw new ImportException($"{path}: is damaged ({e.Message})");
        }
    }

    private static object? Zip(byte[] file)
    {
        using var archive = new ZipArchive(new MemoryStream(file));
        ZipArchiveEntry pickle = archive.Entries.FirstOrDefault(entry => entry.Name == "data.pkl")
            ?? throw new ImportException("is a zip file without data.pkl: no PyTorch checkpoint");
        string root = pickle.FullName[..^"data.pkl".Length];
        if (archive.GetEntry($"{root}byteorder") is { } order && System.Text.Encoding.ASCII.GetString(Bytes(order)).Trim() != "little")
            throw new ImportException("is big-endian; save it on a little-endian machine");
        var storages = new Dictionary<string, Storage>(StringComparer.Ordinal);
        return new PickleReader(Bytes(pickle), 0, id =>
        {
            var (key, storage) = Identify(id);
            if (storages.TryGetValue(key, out Storage? known))
                return known;
            ZipArchiveEntry entry = archive.GetEntry($"{root}data/{key}") ?? throw new ImportException($"the storage '{key}' is missing");
            if (entry.Length != storage.Bytes)
                throw new ImportException($"the storage '{key}' has {entry.Length} bytes, {storage.Bytes} are needed");
            storage.Data = Bytes(entry);
            return storages[key] = storage;
        }).Read();
    }

    // Five pickles (magic, protocol, system, the object, the keys of its storages), then each storage's length and bytes.
    private static object? Legacy(byte[] file)
    {
        int at = 0;
        object? Next(Func<object?, object> persistent)
        {
            var reader = new PickleReader(file, at, persistent);
            object? value = reader.Read();
            at = reader.End;
            return value;
        }
        object Refuse(object? id) => throw new ImportException("holds a storage where none belongs");
        if (Next(Refuse) is not LegacyMagic)
            throw new ImportException("is neither a zip file nor a legacy PyTorch checkpoint");
        Next(Refuse);
        Next(Refuse);
        var storages = new Dictionary<string, Storage>(StringComparer.Ordinal);
        object? result = Next(id =>
        {
            var (key, storage) = Identify(id);
            return storages.TryGetValue(key, out Storage? known) ? known : storages[key] = storage;
        });
        foreach (object? key in Next(Refuse) as List<object?> ?? throw new ImportException("has no list of storages"))
        {
            if (key is not string name || !storages.TryGetValue(name, out Storage? storage))
                throw new ImportException($"lists the storage '{key}', which no tensor uses");
            if (at + 8 > file.Length || BinaryPrimitives.ReadInt64LittleEndian(file.AsSpan(at)) * WeightTensor.SizeOf(storage.Type) != storage.Bytes
                || storage.Bytes > file.Length - at - 8)
                throw new ImportException($"the storage '{name}' is truncated");
            storage.Data = file.AsMemory(at + 8, (int)storage.Bytes);
            at += 8 + (int)storage.Bytes;
        }
        return result;
    }

    // ('storage', type, key, location, count[, view])
    private static (string Key, Storage Storage) Identify(object? id) =>
        id is object?[] and ["storage", WeightType type, string key, _, long count, ..] && count is >= 0 and <= int.MaxValue
            ? (key, new Storage(type, count))
            : throw new ImportException("refers to a storage in a way that this reader does not know");

    private static byte[] Bytes(ZipArchiveEntry entry)
    {
        // A stored entry is as long as it says; a compressed one could claim anything.
        if (entry.Length > int.MaxValue || entry.Length > 1000 * Math.Max(entry.CompressedLength, 1))
            throw new ImportException($"the entry '{entry.FullName}' is too large");
        var bytes = new byte[entry.Length];
        using Stream stream = entry.Open();
        stream.ReadExactly(bytes);
        return bytes;
    }

    // A state_dict as it is, or the one that a training script wrapped into a dictionary with its epoch and its loss.
    private static Dictionary<string, WeightTensor> Tensors(object? value, string path)
    {
        if (value is not PickledDictionary dictionary)
            throw new ImportException("holds no dictionary of tensors: save model.state_dict()");
        if (dictionary.Items.Count > 0 && dictionary.Items.All(item => item.Value is WeightTensor))
            return StateDict.WithoutModule(dictionary.Items.Select(item => KeyValuePair.Create(item.Key, (WeightTensor)item.Value!)));
        foreach (string wrapper in Wrappers)
            if (dictionary.Items.FirstOrDefault(item => item.Key == wrapper).Value is PickledDictionary inner)
                return Tensors(inner, path);
        string[] others = [.. dictionary.Items.Where(item => item.Value is not WeightTensor).Select(item => item.Key)];
        throw new ImportException(
            $"holds no state_dict: its entries {string.Join(", ", others.Take(5))} are not tensors, and none of {string.Join(", ", Wrappers)} is there");
    }
}
