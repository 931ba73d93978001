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

    public string Describe() => $"{Type.ToString().ToUpperInvariant()} [{string.Join(", ", Shape)}]";
}
