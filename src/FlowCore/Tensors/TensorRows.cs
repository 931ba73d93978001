using System.Numerics;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace FlowCore.Tensors;

/// <summary>Flat rows in spans, to tensors and back: one copy each way, no boxing.</summary>
public static class TensorRows
{
    public static ScalarType TypeOf<T>()
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        typeof(T) == typeof(float) ? ScalarType.Float32
        : typeof(T) == typeof(double) ? ScalarType.Float64
        : throw new RowException($"rows are float or double, not {typeof(T).Name}");

    /// <summary>A tensor <c>[rows, width]</c> of its own memory.</summary>
    public static Tensor From<T>(ReadOnlySpan<T> values, int rows, int width, Device? device = null)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (values.Length != (long)rows * width)
            throw new RowException($"{rows} rows of {width} values need {(long)rows * width} values, got {values.Length}");
        Tensor host = empty(rows, width, TypeOf<T>());
        MemoryMarshal.AsBytes(values).CopyTo(host.bytes);
        return device is null || device.type == DeviceType.CPU ? host : host.to(device, disposeAfter: true);
    }

    /// <summary>Copies a tensor's values, row-major, into a span of just that length.</summary>
    public static void CopyTo<T>(Tensor tensor, Span<T> values)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (tensor.numel() != values.Length || tensor.dtype != TypeOf<T>())
            throw new RowException($"a tensor of {tensor.numel()} {tensor.dtype} values does not fill {values.Length} {typeof(T).Name} values");
        using Tensor host = tensor.detach().cpu().contiguous();
        host.bytes.CopyTo(MemoryMarshal.AsBytes(values));
    }
}
