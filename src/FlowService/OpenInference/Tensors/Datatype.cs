using System.Collections.Frozen;
using System.Numerics;
using System.Runtime.InteropServices;

namespace FlowService.OpenInference.Tensors;

/// <summary>A datatype of the protocol that carries numbers. Its raw form is little-endian, without padding.</summary>
internal sealed class Datatype
{
    public static readonly Datatype
        Fp32 = Of<float>("FP32"),
        Fp64 = Of<double>("FP64"),
        Fp16 = Of<Half>("FP16", isRawOnly: true),
        Bf16 = new("BF16", sizeof(ushort), WidenBf16, bytes => BFloat16(MemoryMarshal.Read<ushort>(bytes))) { IsRawOnly = true },
        Int64 = OfInteger<long>("INT64"),
        Int32 = OfInteger<int>("INT32"),
        Int16 = OfInteger<short>("INT16"),
        Int8 = OfInteger<sbyte>("INT8"),
        UInt64 = OfInteger<ulong>("UINT64"),
        UInt32 = OfInteger<uint>("UINT32"),
        UInt16 = OfInteger<ushort>("UINT16"),
        UInt8 = OfInteger<byte>("UINT8");

    public static readonly Datatype[]
        Floats = [Fp32, Fp64, Fp16, Bf16],
        Integers = [Int64, Int32, Int16, Int8, UInt64, UInt32, UInt16, UInt8],
        Classes = [.. Integers, Fp32, Fp64],
        All = [.. Floats, .. Integers];

    private static readonly FrozenDictionary<string, Datatype> Known = All.ToFrozenDictionary(each => each.Name, StringComparer.Ordinal);

    private readonly Widening widen;
    private readonly Reading read;

    private Datatype(string name, int size, Widening widen, Reading read)
    {
        (Name, Size) = (name, size);
        (this.widen, this.read) = (widen, read);
    }

    private delegate void Widening(ReadOnlySpan<byte> raw, Span<float> values);

    private delegate Scalar Reading(ReadOnlySpan<byte> raw);

    public string Name { get; }

    /// <summary>Bytes of one element.</summary>
    public int Size { get; }

    /// <summary>The protocol carries it as raw bytes alone: there is no JSON form, and no typed one.</summary>
    public bool IsRawOnly { get; private init; }

    /// <summary>The least and the most that an integer of it can be; null for floats.</summary>
    public (Int128 Least, Int128 Most)? Range { get; private init; }

    /// <summary>The datatype of a name, or null for one that carries no numbers.</summary>
    public static Datatype? Named(string name) => Known.GetValueOrDefault(name);

    /// <summary>The elements as floats, each the nearest one.</summary>
    public void Widen(ReadOnlySpan<byte> raw, Span<float> values) => widen(raw, values);

    /// <summary>The first element, exactly.</summary>
    public Scalar First(ReadOnlySpan<byte> raw) => read(raw);

    private static Datatype Of<T>(string name, bool isRawOnly = false)
        where T : unmanaged, INumber<T> =>
        new(name, Marshal.SizeOf<T>(), Widen<T>, bytes => Scalar.Of(double.CreateTruncating(MemoryMarshal.Read<T>(bytes)))) { IsRawOnly = isRawOnly };

    private static Datatype OfInteger<T>(string name)
        where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T> =>
        new(
            name, Marshal.SizeOf<T>(), Widen<T>,
            bytes => new(Int128.CreateTruncating(MemoryMarshal.Read<T>(bytes)), double.CreateTruncating(MemoryMarshal.Read<T>(bytes))))
        {
            Range = (Int128.CreateTruncating(T.MinValue), Int128.CreateTruncating(T.MaxValue)),
        };

    private static void Widen<T>(ReadOnlySpan<byte> raw, Span<float> values)
        where T : unmanaged, INumber<T>
    {
        if (typeof(T) == typeof(float))
        {
            raw.CopyTo(MemoryMarshal.AsBytes(values));
            return;
        }
        ReadOnlySpan<T> elements = MemoryMarshal.Cast<byte, T>(raw);
        for (int i = 0; i < elements.Length; i++)
            values[i] = float.CreateTruncating(elements[i]);
    }

    private static void WidenBf16(ReadOnlySpan<byte> raw, Span<float> values)
    {
        ReadOnlySpan<ushort> elements = MemoryMarshal.Cast<byte, ushort>(raw);
        for (int i = 0; i < elements.Length; i++)
            values[i] = (float)BFloat16(elements[i]).Number;
    }

    // The upper half of a float.
    private static Scalar BFloat16(ushort bits) => Scalar.Of(BitConverter.UInt32BitsToSingle((uint)bits << 16));
}
