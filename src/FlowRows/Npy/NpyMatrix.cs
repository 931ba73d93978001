using FlowCore;

namespace FlowRows.Npy;

/// <summary>A whole NumPy array of two dimensions, row-major or column-major, as numbers row by row: a spectrogram.</summary>
internal static class NpyMatrix
{
    /// <exception cref="FlowException">The bytes are no such array; the message says why, without naming them.</exception>
    public static (float[] Values, int Rows, int Columns) Read(ReadOnlySpan<byte> bytes)
    {
        int length = NpyHeader.LengthOf(bytes);
        if (length > bytes.Length)
            throw new FlowException("ends within its header: it was cut off");
        NpyHeader header = NpyHeader.Parse(bytes[..length]);
        if (header.Shape is not [var rows, var columns])
            throw new FlowException($"has the shape ({string.Join(", ", header.Shape)}); an array of two dimensions is needed");
        ReadOnlySpan<byte> raw = bytes[length..];
        if (rows * (double)columns * header.Size != raw.Length)
            throw new FlowException($"has {raw.Length} bytes of elements, its shape ({rows}, {columns}) needs {rows * (double)columns * header.Size}");
        var values = new float[raw.Length / header.Size];
        header.Convert<float>(raw, values);
        if (header.ColumnMajor)
        {
            var turned = new float[values.Length];
            for (int i = 0; i < values.Length; i++)
                turned[i] = values[i % (int)columns * (int)rows + i / (int)columns];
            values = turned;
        }
        return (values, (int)rows, (int)columns);
    }
}
