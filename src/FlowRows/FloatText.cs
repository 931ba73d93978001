using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FlowRows;

/// <summary>Decimal text to the nearest 32-bit float, and short text to the nearest double, quickly.</summary>
internal static class FloatText
{
    private const int MostDigits = 19, MostInVector = 16, MostPower = 60, MostExponentDigits = 4;

    // The bits of a double below a float's last one, and half of that last one.
    private const ulong LowBits = (1UL << 29) - 1, Half = 1UL << 28;

    /// <summary>The bytes behind a number that <see cref="TryDecimal"/> may look at.</summary>
    public const int LookedAt = 16;

    /// <summary>The bytes behind a number that the other readers look at, in a text that has so many: they are fast only then.</summary>
    public const int LookedBehind = 33;

    private const ulong Zeros = 0x3030303030303030;

    private static bool HasVectors => Ssse3.IsSupported && Sse41.IsSupported;

    private static ReadOnlySpan<ulong> PowersOfTen => [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

    private static readonly double[] Powers =
        [.. Enumerable.Range(-MostPower, 2 * MostPower + 1).Select(i => double.Parse($"1e{i}", CultureInfo.InvariantCulture))];

    /// <summary>
    /// Reads the JSON number that a text begins with, and returns its length, as <see cref="Read"/> does; of most numbers in
    /// tables, <c>-12.3456789</c>, without a branch that the next number would take another way.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int ReadQuickly(ReadOnlySpan<byte> text, out float value)
    {
        if (text.Length >= Vector256<byte>.Count)
        {
            ref byte first = ref MemoryMarshal.GetReference(text);
            uint others = Others(ref first, out uint sign);
            int point = BitOperations.TrailingZeroCount(others), end = point;
            if (point < Vector256<byte>.Count && Unsafe.Add(ref first, point) == '.')
                end = BitOperations.TrailingZeroCount(others & (others - 1));
            if (end < Vector256<byte>.Count && (Unsafe.Add(ref first, end) | 0x20) != 'e' && TryDecimal(ref first, (int)sign, point, end, sign, out value))
                return end;
        }
        return Read(text, out value);
    }

    /// <summary>Reads a text that is a JSON number as a whole, and is known to be as long: what stands behind it is looked at.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryRead(ReadOnlySpan<byte> text, int length, out float value) =>
        (TryPoint(text, length, out uint sign, out int point) && TryDecimal(ref MemoryMarshal.GetReference(text), (int)sign, point, length, sign, out value))
        || (Read(text, out value) == length && length > 0);

    /// <summary>
    /// The same to the nearest double, of decimals with up to sixteen digits alone; false for everything else. The digits as an integer are
    /// exact, and so is the power of ten that they are divided by, so that the one rounding is right.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryRead(ReadOnlySpan<byte> text, int length, out double value)
    {
        value = 0;
        ref byte first = ref MemoryMarshal.GetReference(text);
        if (!HasVectors || !TryPoint(text, length, out uint sign, out int point) || !IsShort(ref first, (int)sign, point, length))
            return false;
        int digits = point - (int)sign;
        ulong integer = InOneVector(ref Unsafe.Add(ref first, (int)sign), digits, length == point ? 0 : length - point - 1);
        double exact = (long)integer;
        value = BitConverter.UInt64BitsToDouble(BitConverter.DoubleToUInt64Bits(exact / Powers[MostInVector - digits + MostPower]) | ((ulong)sign << 63));
        return (ulong)exact == integer;
    }

    // Where a number's point stands, or would stand behind an integer; false where there is something else than digits, a sign in front and the point.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryPoint(ReadOnlySpan<byte> text, int length, out uint sign, out int point)
    {
        (sign, point) = (0, 0);
        if (text.Length < Vector256<byte>.Count || length >= Vector256<byte>.Count)
            return false;
        ref byte first = ref MemoryMarshal.GetReference(text);
        uint others = Others(ref first, out sign) & ((1u << length) - 1);
        point = others == 0 ? length : BitOperations.TrailingZeroCount(others);
        return (others & (others - 1)) == 0 && (others == 0 || Unsafe.Add(ref first, point) == '.');
    }

    // Of the characters that are not digits: a sign in front is left out, the point and what ends the number are among them.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Others(ref byte first, out uint sign)
    {
        Vector256<byte> shifted = Vector256.LoadUnsafe(ref first) - Vector256.Create((byte)'0');
        uint others = ~Vector256.Equals(Vector256.Min(shifted, Vector256.Create((byte)9)), shifted).ExtractMostSignificantBits();
        sign = first == '-' ? 1u : 0u;
        return others & ~sign;
    }

    // Whether there are digits on both sides of a point, as JSON has them, and no more than a vector holds.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsShort(ref byte first, int start, int point, int end)
    {
        int digits = point - start, decimals = end == point ? 0 : end - point - 1;
        return digits is > 0 and < 8 && (decimals > 0 || end == point) && digits + decimals <= MostInVector && (digits == 1 || Unsafe.Add(ref first, start) != '0');
    }

    /// <summary>
    /// The number whose digits stand from <paramref name="start"/> to the point, and from there to the end; of an integer the end is where the point
    /// would be. False where there are more digits than in most numbers, where it is no JSON, and where it must be rounded with more care.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryDecimal(ref byte first, int start, int point, int end, uint sign, out float value)
    {
        int digits = point - start, decimals = end == point ? 0 : end - point - 1;
        Unsafe.SkipInit(out value);
        if (!IsShort(ref first, start, point, end))
            return false;
        double exact = HasVectors
            ? (long)InOneVector(ref Unsafe.Add(ref first, start), digits, decimals) * Powers[digits - MostInVector + MostPower]
            : InThreeWords(ref Unsafe.Add(ref first, start), digits, decimals);
        value = BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits((float)exact) | (sign << 31));
        // As in TryRound: of three roundings, none is of more than a unit of the result's last place.
        return (BitConverter.DoubleToUInt64Bits(exact) & LowBits) is < Half - 4 or > Half + 4;
    }

    // The digits moved together over the point, as an integer of sixteen digits: zeros stand where the text has ended.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong InOneVector(ref byte first, int digits, int decimals)
    {
        Vector128<byte> text = Vector128.ConditionalSelect(First(digits), Vector128.LoadUnsafe(ref first), Vector128.LoadUnsafe(ref first, 1));
        text = (text - Vector128.Create((byte)'0')) & First(digits + decimals);
        Vector128<short> pairs = Ssse3.MultiplyAddAdjacent(text, Vector128.Create((short)0x010A).AsSByte()); // 10 and 1
        Vector128<int> fours = Sse2.MultiplyAddAdjacent(pairs, Vector128.Create(0x0001_0064).AsInt16()); // 100 and 1
        Vector128<short> packed = Sse41.PackUnsignedSaturate(fours, fours).AsInt16();
        ulong eights = Sse2.MultiplyAddAdjacent(packed, Vector128.Create(0x0001_2710).AsInt16()).AsUInt64().ToScalar(); // 10000 and 1
        return (eights & uint.MaxValue) * 100_000_000 + (eights >> 32);
    }

    // A mask of the first bytes.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> First(int count) => Vector128.LoadUnsafe(ref MemoryMarshal.GetReference(Masks), (nuint)(MostInVector - count));

    private static ReadOnlySpan<byte> Masks =>
    [
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static double InThreeWords(ref byte first, int digits, int decimals)
    {
        // The fraction in units of 1e-16, the decimals that it does not have being zeros.
        int high = Math.Min(decimals, 8), low = decimals - high;
        ulong fraction = Joined((WordAt(ref first, digits + 1) ^ Zeros) & (high == 0 ? 0 : ulong.MaxValue >> (64 - 8 * high))) * 100_000_000
            + Joined((WordAt(ref first, digits + 9) ^ Zeros) & ((1UL << (8 * low)) - 1));
        return (long)Joined((WordAt(ref first, 0) ^ Zeros) << (64 - 8 * digits)) + (long)fraction * 1e-16;
    }

    /// <summary>
    /// Reads the JSON number that a text begins with, and returns its length in bytes; 0 where there is none, where it is not
    /// followed by something else, and so might go on, or where it is too large for a float.
    /// </summary>
    public static int Read(ReadOnlySpan<byte> text, out float value)
    {
        value = 0;
        int i = text is [(byte)'-', ..] ? 1 : 0, start = i, fraction = 0, power = 0;
        ulong integer = 0;
        i = Digits(text, i, ref integer);
        int digits = i - start;
        if (digits == 0 || i == text.Length || (digits > 1 && text[start] == '0'))
            return 0;
        if (text[i] == '.')
        {
            int point = i + 1;
            i = Digits(text, point, ref integer);
            fraction = i - point;
            if (fraction == 0 || i == text.Length)
                return 0;
        }
        if ((text[i] | 0x20) == 'e')
        {
            int length = Exponent(text[(i + 1)..], out power);
            i += 1 + length;
            if (length == 0 || i == text.Length)
                return 0;
        }
        if (digits + fraction <= MostDigits && TryRound(integer, power - fraction, out double exact))
            value = (float)(start == 1 ? -exact : exact);
        else if (!Parse(text[..i], out value))
            return 0;
        return i;
    }

    /// <summary>The float nearest to a whole JSON number, the even one where two are; false where it is too large for one.</summary>
    public static bool TryParse(ReadOnlySpan<byte> number, out float value)
    {
        if (number.Length >= Vector256<byte>.Count)
            return Parse(number, out value);
        Span<byte> ended = stackalloc byte[Vector256<byte>.Count];
        number.CopyTo(ended);
        return ReadQuickly(ended, out value) == number.Length || Parse(number, out value);
    }

    // Utf8Parser, and with it the JSON reader, errs at a middle between two floats that is written with many zeros behind it.
    private static bool Parse(ReadOnlySpan<byte> number, out float value) =>
        float.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out value) && float.IsFinite(value);

    /// <summary>
    /// An integer times a power of ten, in double. Three roundings leave the result within three units in the last place: taking
    /// the nearest float of it is right, unless it lies that close to the middle between two floats. False where it does, and for
    /// numbers that are not normal floats. (After Clinger 1990, "How to read floating point numbers accurately".)
    /// </summary>
    private static bool TryRound(ulong integer, int power, out double exact)
    {
        // Signed, for an unsigned integer takes several instructions to convert; the few beyond 2^63 go the slow way.
        exact = (long)integer;
        if (power is < -MostPower or > MostPower || (long)integer < 0)
            return false;
        exact *= Powers[power + MostPower];
        ulong below = BitConverter.DoubleToUInt64Bits(exact) & LowBits;
        return integer == 0 || (exact is >= 1.2e-38 and <= 3.4e38 && below is < Half - 4 or > Half + 4);
    }

    /// <summary>Reads digits to the first other character: up to eight in one step, without a branch for each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Digits(ReadOnlySpan<byte> text, int i, ref ulong integer)
    {
        while (text.Length - i >= 8)
        {
            ulong word = BinaryPrimitives.ReadUInt64LittleEndian(text[i..]);
            int count = LeadingDigits(word);
            if (count == 0)
                return i;
            integer = integer * PowersOfTen[count] + Joined((word ^ Zeros) << (64 - 8 * count));
            i += count;
            if (count < 8)
                return i;
        }
        for (; i < text.Length; i++)
        {
            uint digit = (uint)(text[i] - '0');
            if (digit > 9)
                break;
            integer = integer * 10 + digit;
        }
        return i;
    }

    // Eight characters, the first in the lowest byte.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong WordAt(ref byte first, int offset)
    {
        ulong word = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref first, offset));
        return BitConverter.IsLittleEndian ? word : BinaryPrimitives.ReverseEndianness(word);
    }

    /// <summary>How many of the eight characters, from the first on, are digits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int LeadingDigits(ulong word)
    {
        const ulong High = 0xF0F0F0F0F0F0F0F0;
        ulong others = ((word & High) ^ Zeros) | (((word + 0x0606060606060606) & High) ^ Zeros);
        return BitOperations.TrailingZeroCount(others) / 8; // 64 / 8 where all are digits
    }

    /// <summary>The number of eight digits, one a byte: neighbours are joined to pairs, pairs to fours, fours to the number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Joined(ulong digits)
    {
        const ulong Pairs = 0x000000FF000000FF;
        digits = digits * 10 + (digits >> 8);
        return ((digits & Pairs) * 0x000F424000000064 + ((digits >> 16) & Pairs) * 0x0000271000000001) >> 32;
    }

    private static int Exponent(ReadOnlySpan<byte> text, out int power)
    {
        ulong value = 0;
        int start = text is [(byte)'-' or (byte)'+', ..] ? 1 : 0, end = Digits(text, start, ref value);
        power = text is [(byte)'-', ..] ? -(int)value : (int)value;
        return end - start is >= 1 and <= MostExponentDigits ? end : 0;
    }
}
