using System.Numerics;
using System.Runtime.InteropServices;

namespace FlowCore.Checkpoints;

/// <summary>The element types that a weights file may hold.</summary>
public enum WeightType
{
    Bool,
    U8,
    I8,
    I16,
    I32,
    I64,
    F16,
    BF16,
    F32,
    F64,
}

/// <summary>One tensor of a weights file: row-major little-endian bytes, no libtorch involved.</summary>
public sealed record WeightTensor(WeightType Type, long[] Shape, ReadOnlyMemory<byte> Data)
{
    /// <summary>The size of one element in bytes.</summary>
    public static int SizeOf(WeightType type) => type switch
    {
        WeightType.Bool or WeightType.U8 or WeightType.I8 => 1,
        WeightType.I16 or WeightType.F16 or WeightType.BF16 => 2,
        WeightType.I32 or WeightType.F32 => 4,
        _ => 8,
    };

    /// <summary>The index of the first value that is NaN or infinite; -1 where there is none.</summary>
    internal int FirstNonFinite() => Type switch
    {
        WeightType.F32 => FirstNonFinite(MemoryMarshal.Cast<byte, float>(Data.Span)),
        WeightType.F64 => FirstNonFinite(MemoryMarshal.Cast<byte, double>(Data.Span)),
        _ => -1,
    };

    public string Describe() => $"{Type.ToString().ToUpperInvariant()} [{string.Join(", ", Shape)}]";

    /// <summary>The values as float64, which holds all but the largest integers exactly.</summary>
    public double[] ToDoubles()
    {
        ReadOnlySpan<byte> bytes = Data.Span;
        return Type switch
        {
            WeightType.F64 => MemoryMarshal.Cast<byte, double>(bytes).ToArray(),
            WeightType.F32 => Convert<float>(bytes, value => value),
            WeightType.F16 => Convert<Half>(bytes, value => (double)value),
            WeightType.BF16 => Convert<ushort>(bytes, value => BitConverter.UInt32BitsToSingle((uint)value << 16)),
            WeightType.I64 => Convert<long>(bytes, value => value),
            WeightType.I32 => Convert<int>(bytes, value => value),
            WeightType.I16 => Convert<short>(bytes, value => value),
            WeightType.I8 => Convert<sbyte>(bytes, value => value),
            _ => Convert<byte>(bytes, value => value),
        };
    }

    private static double[] Convert<T>(ReadOnlySpan<byte> bytes, Func<T, double> convert)
        where T : unmanaged
    {
        ReadOnlySpan<T> values = MemoryMarshal.Cast<byte, T>(bytes);
        var result = new double[values.Length];
        for (int i = 0; i < result.Length; i++)
            result[i] = convert(values[i]);
        return result;
    }

    private static int FirstNonFinite<T>(ReadOnlySpan<T> values)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        // v - v is 0, or NaN: whole vectors are passed over before one is looked at value by value.
        int i = 0;
        for (; i <= values.Length - Vector<T>.Count; i += Vector<T>.Count)
        {
            var vector = new Vector<T>(values[i..]);
            if (!Vector.EqualsAll(vector - vector, Vector<T>.Zero))
                break;
        }
        for (; i < values.Length; i++)
            if (!T.IsFinite(values[i]))
                return i;
        return -1;
    }
}
