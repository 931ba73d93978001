using FlowRows;
using Microsoft.AspNetCore.WebUtilities;

namespace FlowService.Endpoints;

/// <summary>
/// Bytes on their way to a client that may not read them yet: writing never waits. What is written while the bytes before it are
/// being sent is laid aside, a little in memory and the rest in a temporary file, and sent next.
/// </summary>
internal sealed class AnswerSpool : Stream
{
    private const int MemoryBytes = 1 << 20;

    private readonly SemaphoreSlim written = new(0, 1), turn = new(1);
    private readonly Stream client;
    private readonly CancellationTokenSource stop;
    private readonly TaskCompletionSource released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task sending;
    private FileBufferingWriteStream filling = new(MemoryBytes), empty = new(MemoryBytes);
    private bool any, ended, isWritten;

    /// <param name="client">Where the bytes go.</param>
    /// <param name="isHeld">Whether nothing is sent before <see cref="Release"/>.</param>
    /// <param name="gone">The client has left.</param>
    public AnswerSpool(Stream client, bool isHeld, CancellationToken gone)
    {
        this.client = client;
        if (!isHeld)
            Release();
        stop = CancellationTokenSource.CreateLinkedTokenSource(gone);
        sending = SendAsync(stop.Token);
    }

    /// <summary>Whether anything was written that is, or will be, on its way.</summary>
    public bool HasBegun => isWritten && released.Task.IsCompleted;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await turn.WaitAsync(cancellationToken);
        try
        {
            isWritten = true;
            await filling.WriteAsync(buffer, cancellationToken);
            Wake();
        }
        catch (IOException e)
        {
            throw TemporaryFile.NoSpace(e);
        }
        finally
        {
            turn.Release();
        }
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask; // it is always on its way

    /// <summary>What is written may be sent.</summary>
    public void Release() => released.TrySetResult();

    /// <summary>Everything is written; returns when it is sent.</summary>
    public async Task CompleteAsync()
    {
        await turn.WaitAsync(stop.Token);
        ended = true;
        Wake();
        turn.Release();
        await sending;
    }

    public override async ValueTask DisposeAsync()
    {
        await stop.CancelAsync(); // an answer that is not complete by now is broken off
        await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stop.Dispose();
        await filling.DisposeAsync();
        await empty.DisposeAsync();
        turn.Dispose();
        written.Dispose();
        await base.DisposeAsync();
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("answers are written asynchronously");

    public override void Flush()
    {
    }

    private void Wake()
    {
        if (!any)
            written.Release();
        any = true;
    }

    private async Task SendAsync(CancellationToken gone)
    {
        await released.Task.WaitAsync(gone);
        for (bool last = false; !last;)
        {
            await written.WaitAsync(gone);
            await turn.WaitAsync(gone);
            (filling, empty) = (empty, filling);
            (any, last) = (false, ended);
            turn.Release();
            await empty.DrainBufferAsync(client, gone);
            await client.FlushAsync(gone);
        }
    }
}
