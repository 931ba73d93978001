using System.Buffers;
using System.Globalization;
using System.Text;

namespace FlowCli.RowFiles;

/// <summary>CSV with a header, commas, decimal points, and as many digits as bring the same number back.</summary>
internal sealed class CsvRowWriter : RowWriter
{
    private static readonly SearchValues<char> Special = SearchValues.Create(",;\t\"\n\r");

    private readonly TextWriter text;
    private readonly UnfinishedFile? file;
    private readonly int width;
    private readonly RowType type;

    public CsvRowWriter(UnfinishedFile file, string[] names, RowType type)
        : this(new StreamWriter(file.Stream, new UTF8Encoding(false), 1 << 16), names, type) => this.file = file;

    public CsvRowWriter(TextWriter text, string[] names, RowType type)
    {
        (this.text, width, this.type) = (text, names.Length, type);
        text.Write(string.Join(',', names.Select(Quoted)));
        text.Write('\n');
    }

    public override void Write(ReadOnlySpan<double> values)
    {
        Span<char> buffer = stackalloc char[32];
        for (int i = 0; i < values.Length; i++)
        {
            text.Write(Format(values[i], buffer));
            text.Write((i + 1) % width == 0 ? '\n' : ',');
        }
    }

    public override void Complete()
    {
        text.Flush();
        file?.Complete();
    }

    public override void Dispose() => file?.Dispose();

    private ReadOnlySpan<char> Format(double value, Span<char> buffer)
    {
        // Not "-Infinity": numpy, pandas and R all read this form.
        if (!double.IsFinite(value))
            return double.IsNaN(value) ? "nan" : value < 0 ? "-inf" : "inf";
        int written;
        if (type == RowType.Float32)
            ((float)value).TryFormat(buffer, out written, default, CultureInfo.InvariantCulture);
        else
            value.TryFormat(buffer, out written, default, CultureInfo.InvariantCulture);
        return buffer[..written];
    }

    private static string Quoted(string name) =>
        name.AsSpan().IndexOfAny(Special) < 0 ? name : $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
