using FlowRows.Arrow;
using FlowRows.Csv;
using FlowRows.Json;
using FlowRows.Ndjson;
using FlowRows.Npy;
using FlowRows.Parquet;
using FlowRows.Pictures;

namespace FlowRows;

/// <summary>The formats that there are: the only list of them.</summary>
internal static class RowFormats
{
    public static readonly RowFormat Csv = new CsvFormat();

    /// <summary>CSV as some programs want it, without a first line of names: for answers alone, for a body shows by itself what it is.</summary>
    public static readonly RowFormat CsvWithoutHeader = new CsvFormat(hasHeader: false);

    /// <summary>Those that are read and written row by row: any number of rows passes through.</summary>
    public static readonly RowFormat[] Streamed = [new NpyFormat(), Csv, new ArrowFormat(), new ParquetFormat(), new NdjsonFormat()];

    /// <summary>All of them. Whatever begins as none of the others is CSV, which therefore stands last.</summary>
    public static readonly RowFormat[] All = [.. Streamed.Where(format => format != Csv), JsonFormat.Instance, Csv];

    /// <summary>A picture as a row, which is read alone.</summary>
    public static readonly RowFormat Picture = new PngFormat();

    /// <summary>The endings of the files that are read and written.</summary>
    public static IEnumerable<string> Extensions => All.SelectMany(format => format.Extensions);

    /// <summary>The same as a sentence lists them.</summary>
    public static string ListedExtensions => string.Join(", ", Extensions.SkipLast(1)) + " or " + Extensions.Last();

    /// <summary>The endings of the files that are read.</summary>
    public static IEnumerable<string> ExtensionsToRead => [.. Extensions, .. Picture.Extensions];

    /// <summary>The streamed format of a media type, or null.</summary>
    public static RowFormat? OfMediaType(string? mediaType) => OfMediaType(Streamed, mediaType);

    /// <summary>The format of a body of this media type, or null.</summary>
    public static RowFormat? ToRead(string? mediaType) => OfMediaType([.. Streamed, Picture], mediaType);

    private static RowFormat? OfMediaType(RowFormat[] formats, string? mediaType) =>
        Array.Find(formats, format => format.MediaType.Equals(mediaType, StringComparison.OrdinalIgnoreCase));

    /// <summary>The format of a file that is to be read, by its name, or null.</summary>
    public static RowFormat? OfNameToRead(string path) => Picture.Extensions.Contains(Path.GetExtension(path).ToLowerInvariant()) ? Picture : OfName(path);

    /// <summary>The format of a file's name, or null.</summary>
    public static RowFormat? OfName(string path)
    {
        string extension = Path.GetExtension(path).ToLowerInvariant();
        return Array.Find(All, format => format.Extensions.Contains(extension));
    }

    /// <summary>The format that bytes begin as.</summary>
    public static RowFormat OfStart(ReadOnlySpan<byte> start)
    {
        foreach (RowFormat format in (RowFormat[])[Picture, .. All])
            if (format.Begins(start))
                return format;
        return Csv;
    }
}
