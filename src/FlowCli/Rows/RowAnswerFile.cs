using System.IO.Pipelines;
using System.Numerics;
using FlowCore;
using FlowCore.Calibration;
using FlowRows;
using FlowRows.Answers;
using FlowRows.Buffers;
using FlowRows.Scoring;

namespace FlowCli.Rows;

/// <summary>
/// Where a command's answer goes: a file, which appears under its name when it is whole, or the standard output. Its bytes are those
/// that the service answers with in the same format.
/// </summary>
internal sealed class RowAnswerFile<T> : IAsyncDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly UnfinishedFile? file;
    private readonly Stream target;
    private readonly RowFormat format;
    private readonly PipeWriter pipe;
    private readonly AnswerOptions options;
    private readonly bool countsAtEnd;
    private AnswerWriter<T>? writer;

    /// <param name="terminal">Its standard output is written to where there is no file.</param>
    /// <param name="path">The file; null or <c>-</c> for the standard output.</param>
    /// <param name="format">The format on the standard output; null for CSV.</param>
    /// <param name="type">The type of binary numbers.</param>
    /// <param name="include">What was asked for by name.</param>
    /// <param name="count">The number of rows, where it is known.</param>
    public RowAnswerFile(Terminal terminal, string? path, RowFormat? format, ElementType type, HashSet<string> include, long? count)
    {
        bool isStandard = path is null or RowPipe.Standard;
        bool isPacked = !isStandard && path!.EndsWith(Compression.Extension, StringComparison.OrdinalIgnoreCase);
        this.format = format ?? (isStandard ? RowFormats.Csv : RowFormats.OfName(isPacked ? path![..^Compression.Extension.Length] : path!)!);
        countsAtEnd = this.format.CountsFirst && count is null;
        if (countsAtEnd && (isStandard || isPacked))
            throw new FlowException($"{path ?? "standard output"}: a NumPy array begins with the number of its rows, which is not known yet; write it to a .npy file");
        file = isStandard ? null : new UnfinishedFile(path!);
        target = isStandard ? terminal.Bytes : isPacked ? Compression.Writer(file!.Stream) : file!.Stream;
        pipe = PipeWriter.Create(target, new StreamPipeWriterOptions(leaveOpen: true));
        bool hasContents = path is not null && !path.EndsWith(".arrows", StringComparison.OrdinalIgnoreCase);
        options = new(count ?? 0, type, include) { IsFile = !isStandard && hasContents };
    }

    public bool IsWhole => format.IsWhole;

    public RowFormat Format => format;

    public async ValueTask WriteAsync(Answer<T> answer, CancellationToken stop)
    {
        writer ??= format.Writer<T>(pipe, options);
        await writer.WriteAsync(answer, stop);
        await pipe.FlushAsync(stop);
    }

    /// <summary>Where answers wait for their q-values, to be written here.</summary>
    public RowsAside<T> Aside(RankScale ranks, RowPool pool) => new(ranks, writer ??= format.Writer<T>(pipe, options), pool);

    /// <summary>Everything is written.</summary>
    public async Task CompleteAsync(CancellationToken stop)
    {
        if (writer is not null)
            await writer.CompleteAsync(stop);
        await pipe.CompleteAsync();
        if (countsAtEnd && writer?.Beginning is { } beginning)
        {
            target.Position = 0;
            await target.WriteAsync(beginning, stop);
        }
        await target.FlushAsync(stop);
        if (file is not null && target != file.Stream)
            await target.DisposeAsync();
        file?.Complete();
    }

    public ValueTask DisposeAsync()
    {
        file?.Dispose();
        return ValueTask.CompletedTask;
    }
}
