using System.IO.Pipelines;
using FlowCore;
using FlowRows;

namespace FlowCli.Rows;

/// <summary>
/// A file, or the standard input where its name is <c>-</c>, as a pipe of bytes in some format, decompressed where it is gzip. The
/// name's ending says which format; bytes without a name show it themselves.
/// </summary>
internal sealed class RowPipe : IAsyncDisposable
{
    public const string Standard = "-";

    // As many bytes tell gzip and the formats apart.
    private const int StartBytes = 16;

    // A file is read in pieces of this size.
    private const int PieceBytes = 1 << 16;

    private const long SmallBytes = 64 << 20;

    private FileStream? file;

    private RowPipe(string shown, PipeReader bytes, RowFormat format, RowLimits limits) =>
        (Shown, Bytes, Format, Limits) = (shown, bytes, format, limits);

    /// <summary>What messages call it.</summary>
    public string Shown { get; }

    public PipeReader Bytes { get; }

    public RowFormat Format { get; }

    /// <summary>How much is read: what a small file claims is held to be no larger than the service would take.</summary>
    public RowLimits Limits { get; }

    /// <exception cref="FlowException">There is no such file, or its kind is not read.</exception>
    public static async Task<RowPipe> OpenAsync(string path, Terminal terminal)
    {
        if (path == Standard)
            return await OfStandardInputAsync(terminal);
        if (!File.Exists(path))
            throw new FlowException($"{path}: {(Directory.Exists(path) ? "is a folder" : "not found")}");
        bool isPacked = path.EndsWith(Compression.Extension, StringComparison.OrdinalIgnoreCase);
        RowFormat format = RowFormats.OfNameToRead(isPacked ? path[..^Compression.Extension.Length] : path)
            ?? throw new FlowException($"{path}: unknown kind of file; {string.Join(", ", RowFormats.ExtensionsToRead)} are read, and each of them with {Compression.Extension} behind it");
        var file = new PromptFile(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        RowLimits limits = isPacked || !file.CanSeek ? RowLimits.Files : RowLimits.Files with { BodyBytes = Math.Clamp(file.Length, SmallBytes, RowLimits.Files.BodyBytes) };
        Stream bytes = isPacked ? Compression.Reader(file, Coding.Gzip) : file;
        return new(path, PipeReader.Create(bytes, new StreamPipeReaderOptions(bufferSize: PieceBytes)), format, limits) { file = file };
    }

    /// <summary>The share of the bytes that has been read; 0 where their number is not known.</summary>
    public double Share => file is { CanSeek: true, Length: > 0 } ? (double)file.Position / file.Length : 0;

    public ValueTask DisposeAsync() => Bytes.CompleteAsync();

    /// <summary>Faults in what is read here, with its name before them, and behind those in a value what can be done about it.</summary>
    public Task<T> NamingAsync<T>(Func<Task<T>> read, string? remedy = null) => NamingAsync(Shown, read, remedy);

    private static async Task<T> NamingAsync<T>(string shown, Func<Task<T>> read, string? remedy = null)
    {
        try
        {
            return await read();
        }
        catch (RowFault e)
        {
            throw new FlowException($"{shown}: {e.Message}{(e.Kind == RowFaultKind.InvalidValue ? remedy : null)}", e);
        }
    }

    private static async Task<RowPipe> OfStandardInputAsync(Terminal terminal)
    {
        const string shown = "standard input";
        PipeReader bytes = PipeReader.Create(terminal.Input);
        byte[] start = await StartAsync(bytes);
        if (Compression.IsGzip(start))
        {
            bytes = PipeReader.Create(Compression.Reader(bytes.AsStream(), Coding.Gzip));
            start = await NamingAsync(shown, () => StartAsync(bytes));
        }
        return new(shown, bytes, RowFormats.OfStart(start), RowLimits.Files);
    }

    private static async Task<byte[]> StartAsync(PipeReader bytes)
    {
        ReadResult read = await bytes.ReadAtLeastAsync(StartBytes);
        byte[] start = System.Buffers.BuffersExtensions.ToArray(read.Buffer.Slice(0, Math.Min(StartBytes, read.Buffer.Length)));
        bytes.AdvanceTo(read.Buffer.Start, read.IsCompleted ? read.Buffer.End : read.Buffer.Start);
        return start;
    }
}
