using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using FlowCore;

namespace FlowCli.RowFiles;

/// <summary>
/// The header of a NumPy array file, versions 1.0 to 3.0: element type, order and shape. It is read as text, never evaluated;
/// pickled objects are refused.
/// </summary>
internal sealed partial record NpyHeader(char Kind, int Size, bool BigEndian, bool ColumnMajor, long[] Shape, int Offset)
{
    private const int LongestHeader = 1 << 16;

    private static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    /// <summary>Reads the header at a stream's start.</summary>
    /// <exception cref="FlowException">Not a header of numbers; the message names the file and the field.</exception>
    public static NpyHeader Read(Stream stream, string path)
    {
        Span<byte> start = stackalloc byte[12];
        int got = stream.ReadAtLeast(start[..10], 10, throwOnEndOfStream: false);
        if (got < 10 || !start[..6].SequenceEqual(Magic))
            throw new FlowException($"{path}: is not a .npy file");
        int version = start[6];
        if (version is < 1 or > 3)
            throw new FlowException($"{path}: is a .npy file of version {version}.{start[7]}; 1.0, 2.0 and 3.0 are read");
        int fixedBytes = version == 1 ? 10 : 12;
        if (version > 1 && stream.ReadAtLeast(start.Slice(10, 2), 2, throwOnEndOfStream: false) < 2)
            throw new FlowException($"{path}: is truncated in its header");
        uint length = version == 1
            ? BinaryPrimitives.ReadUInt16LittleEndian(start[8..])
            : BinaryPrimitives.ReadUInt32LittleEndian(start[8..]);
        if (length > LongestHeader || length > stream.Length - fixedBytes)
            throw new FlowException($"{path}: its header claims {length} bytes: the file is truncated or damaged");
        var header = new byte[length];
        stream.ReadExactly(header);
        return Parse(Encoding.UTF8.GetString(header), fixedBytes + (int)length, path);
    }

    /// <summary>The header of a little-endian row-major float array, padded so that any number of rows fits into the same bytes.</summary>
    public static byte[] Write(RowType type, long rows, int width)
    {
        string shape = width == 1 ? $"({rows},)" : $"({rows}, {width})";
        string text = $"{{'descr': '<f{(type == RowType.Float32 ? 4 : 8)}', 'fortran_order': False, 'shape': {shape}, }}";
        byte[] bytes = new byte[128];
        Magic.CopyTo(bytes);
        (bytes[6], bytes[7]) = (1, 0);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(8), 118);
        Encoding.ASCII.GetBytes(text.PadRight(117) + '\n', bytes.AsSpan(10));
        return bytes;
    }

    private static NpyHeader Parse(string text, int offset, string path)
    {
        string descr = Descr().Match(text) is { Success: true } d ? d.Groups[1].Value : throw Bad(path, "descr");
        string order = Order().Match(text) is { Success: true } o ? o.Groups[1].Value : throw Bad(path, "fortran_order");
        string sizes = Sizes().Match(text) is { Success: true } s ? s.Groups[1].Value : throw Bad(path, "shape");
        Match type = Number().Match(descr);
        if (!type.Success || !IsRead(type.Groups[2].Value[0], type.Groups[3].Value))
            throw new FlowException($"{path}: holds elements of type '{descr}'; float32, float64 and integers are read");
        var shape = new List<long>();
        foreach (string size in sizes.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            shape.Add(long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out long n) ? n : throw Bad(path, "shape"));
        return new(type.Groups[2].Value[0], type.Groups[3].Value[0] - '0', type.Groups[1].Value == ">", order == "True", [.. shape], offset);
    }

    private static bool IsRead(char kind, string size) => kind == 'f' ? size is "4" or "8" : size is "1" or "2" or "4" or "8";

    private static FlowException Bad(string path, string field) => new($"{path}: the field '{field}' of its header cannot be read");

    [GeneratedRegex(@"'descr'\s*:\s*'([^']*)'")]
    private static partial Regex Descr();

    [GeneratedRegex(@"'fortran_order'\s*:\s*(True|False)")]
    private static partial Regex Order();

    [GeneratedRegex(@"'shape'\s*:\s*\(([^)]*)\)")]
    private static partial Regex Sizes();

    [GeneratedRegex(@"^([<>=|]?)([fiu])(\d)$")]
    private static partial Regex Number();
}
