using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using FlowCore;

namespace FlowRows.Npy;

/// <summary>
/// The header of a NumPy array, versions 1.0 to 3.0: element type, order and shape. It is read as text, never evaluated; pickled
/// objects are refused.
/// </summary>
internal sealed partial record NpyHeader(char Kind, int Size, bool BigEndian, bool ColumnMajor, long[] Shape)
{
    /// <summary>The bytes that say how long the header is: any array has as many.</summary>
    public const int StartBytes = 12;

    private const int LongestHeader = 1 << 16, WrittenBytes = 128, MostDigits = 19;

    private static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    /// <summary>Whether bytes begin as an array does.</summary>
    public static bool Begins(ReadOnlySpan<byte> start) => start.StartsWith(Magic);

    /// <summary>The number of rows: the first dimension.</summary>
    public long Rows => Shape[0];

    /// <summary>The number of values in a row: the product of the other dimensions.</summary>
    public int Width { get; } = WidthOf(Shape, ColumnMajor);

    /// <summary>The bytes of a row.</summary>
    public int RowBytes => Width * Size;

    /// <summary>Whether the elements are what the machine has in its memory, and need no conversion.</summary>
    public bool IsNative<T>()
        where T : unmanaged => Kind == 'f' && Size == Unsafe.SizeOf<T>() && BigEndian != BitConverter.IsLittleEndian;

    /// <summary>The header's length in bytes, by the first <see cref="StartBytes"/>.</summary>
    /// <exception cref="FlowException">Not the start of an array.</exception>
    public static int LengthOf(ReadOnlySpan<byte> start)
    {
        if (start.Length < StartBytes || !start[..6].SequenceEqual(Magic))
            throw new FlowException("is not a .npy file");
        int version = start[6];
        if (version is < 1 or > 3)
            throw new FlowException($"is a .npy file of version {version}.{start[7]}; 1.0, 2.0 and 3.0 are read");
        uint length = version == 1 ? BinaryPrimitives.ReadUInt16LittleEndian(start[8..]) : BinaryPrimitives.ReadUInt32LittleEndian(start[8..]);
        int fixedBytes = version == 1 ? 10 : 12;
        return length <= LongestHeader && fixedBytes + length >= StartBytes
            ? fixedBytes + (int)length
            : throw new FlowException($"claims a header of {length} bytes: it is damaged");
    }

    /// <summary>Reads a whole header.</summary>
    /// <exception cref="FlowException">Not a header of numbers; the message names the field.</exception>
    public static NpyHeader Parse(ReadOnlySpan<byte> header)
    {
        string text = Encoding.UTF8.GetString(header[(header[6] == 1 ? 10 : 12)..]);
        if (Fields().IsMatch(text))
            throw new FlowException("is a structured array; numbers of one type are read: numpy.lib.recfunctions.structured_to_unstructured makes it one");
        string descr = Only(Descr(), text, "descr"), order = Only(Order(), text, "fortran_order"), sizes = Only(Sizes(), text, "shape");
        if (!Whole().IsMatch(text))
            throw new FlowException("has a header that holds other things than the fields 'descr', 'fortran_order' and 'shape'");
        Match type = Number().Match(descr);
        if (!type.Success || !IsRead(type.Groups[2].Value[0], type.Groups[3].Value))
            throw new FlowException($"holds elements of type '{descr.Shown()}'; float16, float32, float64 and integers are read");
        var shape = new List<long>();
        foreach (string size in sizes.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            shape.Add(long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out long n) ? n : throw Bad("shape"));
        return new(type.Groups[2].Value[0], type.Groups[3].Value[0] - '0', type.Groups[1].Value == ">", order == "True", [.. shape]);
    }

    /// <summary>The header of a little-endian row-major array, as long for any number of rows.</summary>
    /// <param name="descr">The element type as NumPy writes it, quotes included: <c>'&lt;f4'</c>, or a list of fields.</param>
    /// <param name="shape">The dimensions.</param>
    public static byte[] Write(string descr, params ReadOnlySpan<long> shape)
    {
        string sizes = shape.Length == 1 ? $"{shape[0]}," : string.Join(", ", shape.ToArray());
        string text = $"{{'descr': {descr}, 'fortran_order': False, 'shape': ({sizes}), }}";
        // Rounded up to whole 64 bytes, as NumPy aligns its data; a long list of fields takes more than the usual 128.
        // Room is left for any number of rows, so that it can be written over.
        int room = MostDigits - Digits(shape[0]);
        int length = Math.Max(WrittenBytes, (10 + text.Length + room + 1 + 63) / 64 * 64);
        byte[] bytes = new byte[length];
        Magic.CopyTo(bytes);
        (bytes[6], bytes[7]) = (1, 0);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(8), checked((ushort)(length - 10)));
        Encoding.ASCII.GetBytes(text.PadRight(length - 11) + '\n', bytes.AsSpan(10));
        return bytes;
    }

    /// <summary>Elements as numbers of another type, each rounded once, to nearest; one beyond its range is infinite.</summary>
    public void Convert<T>(ReadOnlySpan<byte> raw, Span<T> target)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        bool native = BigEndian != BitConverter.IsLittleEndian;
        if (IsNative<T>())
            MemoryMarshal.Cast<byte, T>(raw)[..target.Length].CopyTo(target);
        else if (native && (Kind, Size) == ('f', 4))
            Each(MemoryMarshal.Cast<byte, float>(raw), target);
        else if (native && (Kind, Size) == ('f', 8))
            Each(MemoryMarshal.Cast<byte, double>(raw), target);
        else
            for (int i = 0; i < target.Length; i++)
                target[i] = Element<T>(raw.Slice(i * Size, Size));
    }

    private static void Each<TFrom, T>(ReadOnlySpan<TFrom> from, Span<T> target)
        where TFrom : INumberBase<TFrom>
        where T : INumberBase<T>
    {
        for (int i = 0; i < target.Length; i++)
            target[i] = T.CreateTruncating(from[i]);
    }

    private T Element<T>(ReadOnlySpan<byte> raw)
        where T : INumberBase<T>
    {
        Span<byte> little = stackalloc byte[8];
        raw[..Size].CopyTo(little);
        if (BigEndian)
            little[..Size].Reverse();
        return (Kind, Size) switch
        {
            ('f', 2) => T.CreateTruncating(BinaryPrimitives.ReadHalfLittleEndian(little)),
            ('f', 4) => T.CreateTruncating(BinaryPrimitives.ReadSingleLittleEndian(little)),
            ('f', _) => T.CreateTruncating(BinaryPrimitives.ReadDoubleLittleEndian(little)),
            ('i', 1) => T.CreateTruncating((sbyte)little[0]),
            ('i', 2) => T.CreateTruncating(BinaryPrimitives.ReadInt16LittleEndian(little)),
            ('i', 4) => T.CreateTruncating(BinaryPrimitives.ReadInt32LittleEndian(little)),
            ('i', _) => T.CreateTruncating(BinaryPrimitives.ReadInt64LittleEndian(little)),
            (_, 1) => T.CreateTruncating(little[0]),
            (_, 2) => T.CreateTruncating(BinaryPrimitives.ReadUInt16LittleEndian(little)),
            (_, 4) => T.CreateTruncating(BinaryPrimitives.ReadUInt32LittleEndian(little)),
            _ => T.CreateTruncating(BinaryPrimitives.ReadUInt64LittleEndian(little)),
        };
    }

    private static int WidthOf(long[] shape, bool columnMajor)
    {
        string text = $"({string.Join(", ", shape)})";
        if (shape.Length == 0)
            throw new FlowException($"has the shape {text}; rows need at least one dimension");
        if (columnMajor && shape.Length > 2)
            throw new FlowException($"has the shape {text} in Fortran order; save it in C order, by numpy.ascontiguousarray");
        UInt128 width = 1;
        foreach (long size in shape[1..])
            width = width > int.MaxValue ? width : width * (ulong)size;
        return width > 0 && width <= int.MaxValue / 8 ? (int)width : throw new FlowException($"has the shape {text}: rows of {width} values are not read");
    }

    private static int Digits(long size) => size.ToString(CultureInfo.InvariantCulture).Length;

    private static bool IsRead(char kind, string size) => kind == 'f' ? size is "2" or "4" or "8" : size is "1" or "2" or "4" or "8";

    // A field that stands there twice has no value: readers would differ in which they take.
    private static string Only(Regex field, string text, string name) =>
        field.Matches(text) is [var only] ? only.Groups[1].Value : throw Bad(name);

    private static FlowException Bad(string field) => new($"has a header whose field '{field}' cannot be read");

    [GeneratedRegex(@"'descr'\s*:\s*'([^']*)'")]
    private static partial Regex Descr();

    // A list of fields in the place of a type.
    [GeneratedRegex(@"\A\{\s*'descr'\s*:\s*\[")]
    private static partial Regex Fields();

    [GeneratedRegex(@"'fortran_order'\s*:\s*(True|False)")]
    private static partial Regex Order();

    [GeneratedRegex(@"'shape'\s*:\s*\(([^)]*)\)")]
    private static partial Regex Sizes();

    [GeneratedRegex(@"\A\{\s*(?:'(?:descr|fortran_order|shape)'\s*:\s*(?:'[^']*'|True|False|\(\s*(?:\d+\s*(?:,\s*\d+\s*)*(?:,\s*)?)?\))\s*(?:,\s*|(?=\})))+\}\s*\z")]
    private static partial Regex Whole();

    [GeneratedRegex(@"\A([<>=|]?)([fiu])(\d)\z")]
    private static partial Regex Number();
}
