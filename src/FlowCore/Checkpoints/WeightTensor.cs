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
