using System.Runtime.InteropServices;

namespace FlowRows;

/// <summary>A file for what memory shall not hold, which is gone when it is closed. A disk that takes no more of it is a fault with its remedy.</summary>
internal sealed class TemporaryFile : PromptFile
{
    private TemporaryFile(string path) : base(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, FileOptions.DeleteOnClose)
    {
    }

    /// <summary>A new one in the folder for temporary files (<c>TMPDIR</c>), empty.</summary>
    /// <exception cref="RowFault">There is no room for it, or it may not be written.</exception>
    public static TemporaryFile Create()
    {
        try
        {
            return new(Path.Combine(Path.GetTempPath(), $"flow-{Guid.NewGuid():N}"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw NoSpace(e);
        }
    }

    /// <summary>The refusal where a temporary file could not be written: it names the reason, and no path.</summary>
    public static RowFault NoSpace(Exception reason) => new(RowFaultKind.NoSpace,
        $"a temporary file cannot be written ({Words(reason)}); free space in the folder for them, name another by TMPDIR, or send fewer rows at once");

    private static string Words(Exception reason) => reason switch
    {
        DirectoryNotFoundException => "its folder does not exist",
        UnauthorizedAccessException => "its folder may not be written to",
        { HResult: > 0 and var error } => Marshal.GetPInvokeErrorMessage(error), // the system's own number: "No space left on device"
        _ => "the disk refuses it",
    };

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            await base.WriteAsync(buffer, cancellationToken);
        }
        catch (IOException e)
        {
            throw NoSpace(e);
        }
    }

    public override async Task FlushAsync(CancellationToken cancellationToken)
    {
        try
        {
            await base.FlushAsync(cancellationToken);
        }
        catch (IOException e)
        {
            throw NoSpace(e);
        }
    }

    /// <summary>Closes it, and it is gone; what the disk did not take is not missed.</summary>
    public override async ValueTask DisposeAsync()
    {
        try
        {
            await base.DisposeAsync();
        }
        catch (IOException)
        {
            // The last bytes do not fit either. The handle is closed all the same.
        }
    }

    /// <summary>Everything is written: from here on it is read, from its start.</summary>
    public async ValueTask RewindAsync(CancellationToken cancellation)
    {
        await FlushAsync(cancellation);
        Position = 0;
    }
}
