using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace FlowService.Tests.Support;

/// <summary>NumPy arrays as NumPy itself writes and reads them (numpy.lib.format, version 1.0).</summary>
internal sealed partial record Npy(string Descr, int[] Shape, byte[] Data)
{
    public const string MediaType = "application/x-npy";

    public float[] Floats => MemoryMarshal.Cast<byte, float>(Data).ToArray();

    public double[] Doubles => MemoryMarshal.Cast<byte, double>(Data).ToArray();

    public static byte[] Of(float[] values, params int[] shape) => Of("<f4", false, MemoryMarshal.AsBytes<float>(values), shape);

    public static byte[] Of(double[] values, params int[] shape) => Of("<f8", false, MemoryMarshal.AsBytes<double>(values), shape);

    public static byte[] Of(string descr, bool isFortran, ReadOnlySpan<byte> data, params int[] shape) => [.. Header(descr, isFortran, shape), .. data];

    public static byte[] Header(string descr, bool isFortran, params int[] shape)
    {
        string sizes = shape.Length == 1 ? $"{shape[0]}," : string.Join(", ", shape);
        string text = $"{{'descr': '{descr}', 'fortran_order': {(isFortran ? "True" : "False")}, 'shape': ({sizes}), }}";
        text = text.PadRight((10 + text.Length + 64) / 64 * 64 - 11) + "\n";
        byte[] header = [0x93, .. "NUMPY"u8, 1, 0, 0, 0, .. Encoding.ASCII.GetBytes(text)];
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(8), (ushort)text.Length);
        return header;
    }

    public static Npy Read(byte[] file)
    {
        Assert.Equal([0x93, .. "NUMPY"u8, 1, 0], file[..8]);
        int length = BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(8));
        Assert.Equal(0, (10 + length) % 64);
        Match header = Fields().Match(Encoding.ASCII.GetString(file, 10, length));
        Assert.True(header.Success, Encoding.ASCII.GetString(file, 10, length));
        int[] shape = [.. header.Groups[2].Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(int.Parse)];
        return new(header.Groups[1].Value, shape, file[(10 + length)..]);
    }

    [GeneratedRegex(@"^\{'descr': (.*), 'fortran_order': False, 'shape': \(([0-9, ]*)\), \} *\n$")]
    private static partial Regex Fields();
}
