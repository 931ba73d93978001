namespace FlowRows;

/// <summary>
/// A file whose pieces are read and written by whoever asks for them: they are in memory as a rule, and handing each to another thread takes
/// longer than the piece does.
/// </summary>
internal class PromptFile(string path, FileMode mode, FileAccess access, FileShare share, FileOptions options = FileOptions.None)
    : FileStream(path, mode, access, share, BufferBytes, options)
{
    private const int BufferBytes = 1 << 16;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return ValueTask.FromResult(Read(buffer.Span));
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Write(buffer.Span);
        return ValueTask.CompletedTask;
    }
}
