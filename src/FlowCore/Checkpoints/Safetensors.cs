using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

namespace FlowCore.Checkpoints;

/// <summary>
/// The safetensors format: eight bytes of header length, a JSON header of names, types, shapes and byte ranges, then the bytes.
/// A reader allocates no more than the file holds, and refuses ranges that overlap, leave gaps, or do not fit their shapes.
/// </summary>
public static class Safetensors
{
    private const int LengthBytes = 8;
    private const string Metadata = "__metadata__";

    /// <summary>The tensors of a file's bytes, by name.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="path">What to call it in messages.</param>
    /// <exception cref="CheckpointException">The bytes are not a sound file; the message names the tensor or the field.</exception>
    public static Dictionary<string, WeightTensor> Read(ReadOnlyMemory<byte> file, string path)
    {
        if (file.Length < LengthBytes)
            throw new CheckpointException($"{path}: is truncated, {file.Length} bytes are not a safetensors file");
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(file.Span);
        if (length > (ulong)(file.Length - LengthBytes))
            throw new CheckpointException($"{path}: the header length {length} exceeds the file's {file.Length} bytes");

        ReadOnlyMemory<byte> data = file[(LengthBytes + (int)length)..];
        var tensors = new Dictionary<string, WeightTensor>(StringComparer.Ordinal);
        var ranges = new List<(long Begin, long End, string Name)>();
        try
        {
            using JsonDocument header = JsonDocument.Parse(file.Slice(LengthBytes, (int)length));
            foreach (JsonProperty entry in header.RootElement.EnumerateObject())
            {
                if (entry.Name == Metadata)
                    continue;
                var (tensor, begin, end) = ReadEntry(entry, data, path);
                if (!tensors.TryAdd(entry.Name, tensor))
                    throw new CheckpointException($"{path}: tensor '{entry.Name}' is listed twice");
                ranges.Add((begin, end, entry.Name));
            }
        }
        catch (JsonException e)
        {
            throw new CheckpointException($"{path}: the header is not a safetensors header ({e.Message})", e);
        }
        catch (Exception e) when (e is InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new CheckpointException($"{path}: the header is not a safetensors header (each tensor needs a dtype, a shape and two data_offsets, in whole numbers)", e);
        }
        CheckRanges(ranges, data.Length, path);
        return tensors;
    }

    /// <summary>The bytes of a file with these tensors, in the order of their names.</summary>
    public static byte[] Write(IReadOnlyDictionary<string, WeightTensor> tensors)
    {
        var names = tensors.Keys.Order(StringComparer.Ordinal).ToArray();
        using var header = new MemoryStream();
        using (var json = new Utf8JsonWriter(header))
        {
            long offset = 0;
            json.WriteStartObject();
            foreach (string name in names)
            {
                WeightTensor tensor = tensors[name];
                json.WriteStartObject(name);
                json.WriteString("dtype", tensor.Type.ToString().ToUpperInvariant());
                json.WriteStartArray("shape");
                foreach (long size in tensor.Shape)
                    json.WriteNumberValue(size);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset += tensor.Data.Length);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        // Padded with spaces, so that the data start at a multiple of 8.
        header.Write(Encoding.ASCII.GetBytes(new string(' ', (int)(-header.Length & 7))));

        using var file = new MemoryStream();
        Span<byte> length = stackalloc byte[LengthBytes];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        file.Write(length);
        header.WriteTo(file);
        foreach (string name in names)
            file.Write(tensors[name].Data.Span);
        return file.ToArray();
    }

    private static (WeightTensor Tensor, long Begin, long End) ReadEntry(JsonProperty entry, ReadOnlyMemory<byte> data, string path)
    {
        string place = $"{path}: tensor '{entry.Name}'";
        string typeName = entry.Value.GetProperty("dtype").GetString() ?? "";
        if (!Enum.TryParse(typeName, ignoreCase: true, out WeightType type) || char.IsAsciiDigit(typeName[0]))
            throw new CheckpointException($"{place} has the unknown dtype '{typeName}'");

        long[] shape = [.. entry.Value.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())];
        long bytes = WeightTensor.SizeOf(type);
        foreach (long size in shape)
        {
            if (size < 0 || (size > 0 && bytes > data.Length / size))
                throw new CheckpointException($"{place} of shape [{string.Join(", ", shape)}] is larger than the file");
            bytes *= size;
        }

        JsonElement offsets = entry.Value.GetProperty("data_offsets");
        if (offsets.GetArrayLength() != 2)
            throw new CheckpointException($"{place} needs two data_offsets");
        long begin = offsets[0].GetInt64(), end = offsets[1].GetInt64();
        if (begin < 0 || end < begin || end > data.Length)
            throw new CheckpointException($"{place} has data_offsets [{begin}, {end}] outside the {data.Length} bytes of data: the file is truncated or damaged");
        if (end - begin != bytes)
            throw new CheckpointException($"{place} has {end - begin} bytes of data, its dtype and shape need {bytes}");
        return (new(type, shape, data.Slice((int)begin, (int)bytes)), begin, end);
    }

    private static void CheckRanges(List<(long Begin, long End, string Name)> ranges, long dataLength, string path)
    {
        ranges.Sort();
        long end = 0;
        string before = "the header";
        foreach (var range in ranges)
        {
            if (range.Begin != end)
                throw new CheckpointException(range.Begin < end
                    ? $"{path}: tensor '{range.Name}' overlaps {before}"
                    : $"{path}: {range.Begin - end} bytes before tensor '{range.Name}' belong to no tensor");
            (end, before) = (range.End, $"tensor '{range.Name}'");
        }
        if (end != dataLength)
            throw new CheckpointException($"{path}: {dataLength - end} bytes at the end belong to no tensor");
    }
}
