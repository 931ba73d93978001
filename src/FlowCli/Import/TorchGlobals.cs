using FlowCore.Checkpoints;
using FlowCore.Interop;

namespace FlowCli.Import;

/// <summary>The names that a PyTorch checkpoint may refer to, and what they build: tensors, their storages, dictionaries.</summary>
internal static class TorchGlobals
{
    private static readonly Dictionary<string, WeightType> Storages = new(StringComparer.Ordinal)
    {
        ["torch.FloatStorage"] = WeightType.F32,
        ["torch.DoubleStorage"] = WeightType.F64,
        ["torch.HalfStorage"] = WeightType.F16,
        ["torch.BFloat16Storage"] = WeightType.BF16,
        ["torch.LongStorage"] = WeightType.I64,
        ["torch.IntStorage"] = WeightType.I32,
        ["torch.ShortStorage"] = WeightType.I16,
        ["torch.CharStorage"] = WeightType.I8,
        ["torch.ByteStorage"] = WeightType.U8,
        ["torch.BoolStorage"] = WeightType.Bool,
    };

    private static readonly string[] Functions =
    [
        "collections.OrderedDict", "torch.Size", "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_parameter",
    ];

    /// <summary>What a name stands for.</summary>
    /// <exception cref="ImportException">The name is none of the few that build tensors.</exception>
    public static object Find(string module, string name)
    {
        string global = $"{module}.{name}";
        if (Storages.TryGetValue(global, out WeightType type))
            return type;
        if (Functions.Contains(global, StringComparer.Ordinal))
            return new Function(global);
        throw new ImportException(
            $"the checkpoint refers to '{global}', which is not a tensor: save model.state_dict() alone, or use the exporter clients/exporter/flow_export.py");
    }

    public static object? Call(object? function, object?[] arguments) => (function as Function)?.Name switch
    {
        "collections.OrderedDict" => Dictionary(arguments),
        "torch.Size" => arguments is [object?[] sizes] ? sizes : arguments,
        "torch._utils._rebuild_parameter" when arguments is [WeightTensor tensor, ..] => tensor,
        "torch._utils._rebuild_tensor" or "torch._utils._rebuild_tensor_v2"
            when arguments is [Storage storage, long offset, object?[] size, object?[] stride, ..] =>
            storage.Tensor(offset, Longs(size), Longs(stride)),
        var name => throw new ImportException($"the checkpoint calls '{name}' in a way that this reader does not know"),
    };

    // OrderedDict() or OrderedDict([[key, value], ...])
    private static PickledDictionary Dictionary(object?[] arguments)
    {
        var dictionary = new PickledDictionary();
        if (arguments is [List<object?> pairs])
            foreach (object? pair in pairs)
                dictionary.Add(pair as object?[] ?? [.. (List<object?>)pair!]);
        return dictionary;
    }

    private static long[] Longs(object?[] values) => [.. values.Select(value => value as long? ?? throw new ImportException("a tensor's size is not an integer"))];

    private sealed record Function(string Name);
}

/// <summary>The bytes behind tensors, filled when the file has been read so far.</summary>
internal sealed class Storage(WeightType type, long count)
{
    private const long MostBytes = 1L << 33;

    public ReadOnlyMemory<byte> Data { get; set; }

    public long Bytes => count * WeightTensor.SizeOf(type);

    public WeightType Type => type;

    /// <summary>A view of the storage, checked against its bounds, its values row-major.</summary>
    public WeightTensor Tensor(long offset, long[] size, long[] stride)
    {
        if (size.Length != stride.Length || offset < 0 || size.Any(n => n < 0) || stride.Any(n => n < 0))
            throw new ImportException("a tensor's size and stride do not belong together");
        int width = WeightTensor.SizeOf(type);
        long values = 1, last = offset;
        for (int i = 0; i < size.Length; i++)
        {
            values = size[i] != 0 && values > MostBytes / width / size[i] ? throw new ImportException("a tensor is larger than 8 GiB") : values * size[i];
            last += Math.Max(0, size[i] - 1) * stride[i];
        }
        if (values > 0 && (last >= count || last < 0))
            throw new ImportException($"a tensor of shape [{string.Join(", ", size)}] reaches beyond its {count} stored values");
        return new(type, size, new Lazy(this, offset, size, stride, values * width).Memory);
    }

    // In legacy files the bytes follow the pickle, so a view is copied when it is first looked at.
    private sealed class Lazy(Storage storage, long offset, long[] size, long[] stride, long bytes) : System.Buffers.MemoryManager<byte>
    {
        private byte[]? copied;

        public override Memory<byte> Memory => CreateMemory((int)bytes);

        public override Span<byte> GetSpan() => copied ??= Copy();

        public override System.Buffers.MemoryHandle Pin(int elementIndex = 0) => throw new NotSupportedException();

        public override void Unpin() => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
        }

        private byte[] Copy()
        {
            var result = new byte[bytes];
            int width = WeightTensor.SizeOf(storage.Type);
            ReadOnlySpan<byte> source = storage.Data.Span;
            var index = new long[size.Length];
            for (int to = 0; to < result.Length; to += width)
            {
                long from = offset;
                for (int axis = 0; axis < size.Length; axis++)
                    from += index[axis] * stride[axis];
                source.Slice((int)(from * width), width).CopyTo(result.AsSpan(to));
                for (int axis = size.Length - 1; axis >= 0 && ++index[axis] == size[axis]; axis--)
                    index[axis] = 0;
            }
            return result;
        }
    }
}
