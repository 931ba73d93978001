using System.Security.Cryptography;
using System.Text;

namespace FlowService.Sources;

/// <summary>
/// The place beside the models where files wait until they are whole: a folder of the repository, so that a rename is all that it takes, and hidden by its dot. It bounds what one look may write,
/// and is gone with it.
/// </summary>
internal sealed class Aside : IDisposable
{
    private const string Hidden = ".incoming";
    private const int BufferBytes = 1 << 17;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60), Forgotten = TimeSpan.FromDays(1);

    private readonly string folder;
    private readonly TimeProvider time;
    private long left;

    /// <param name="repository">The model repository.</param>
    /// <param name="mostBytes">The most bytes that may be written.</param>
    /// <param name="time">The clock.</param>
    public Aside(string repository, long mostBytes, TimeProvider time)
    {
        (this.time, left) = (time, mostBytes);
        string all = Path.Combine(repository, Hidden);
        folder = Path.Combine(all, $"{Guid.NewGuid():N}");
        Directory.CreateDirectory(folder);
        foreach (string other in Directory.EnumerateDirectories(all))
            if (time.GetUtcNow() - Directory.GetLastWriteTimeUtc(other) > Forgotten)
                Directory.Delete(other, recursive: true); // a process was killed over it
    }

    /// <summary>A path that nothing has.</summary>
    public string NewPath() => Path.Combine(folder, $"{Guid.NewGuid():N}");

    /// <summary>Writes bytes to a file as they come, and compares them with what is known of them; their SHA-256.</summary>
    /// <exception cref="SourceException">They differ, are too many, or stop coming.</exception>
    public async Task<string> WriteAsync(Stream bytes, string path, ExpectedBytes expected, CancellationToken stop)
    {
        using var sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using IncrementalHash? git = expected is { GitBlob: not null, Length: { } size } ? GitHash(size) : null;
        string name = Path.GetFileName(path);
        long written = 0;
        await using (var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0, useAsync: true))
        {
            byte[] buffer = new byte[BufferBytes];
            for (int read; (read = await ReadAsync(bytes, buffer, name, stop)) > 0; written += read)
            {
                if ((left -= read) < 0)
                    throw new SourceException($"{name} and what came before it are more than Models:SourceBytes; raise it if they shall be taken");
                if (written + read > expected.Length)
                    throw new SourceException($"{name} is longer than the {expected.Length} bytes that were announced") { IsDamage = true };
                sha256.AppendData(buffer, 0, read);
                git?.AppendData(buffer, 0, read);
                await file.WriteAsync(buffer.AsMemory(0, read), stop);
            }
            file.Flush(flushToDisk: true);
        }
        if (expected.Length is { } length && written != length)
            throw new SourceException($"{name} has {written} bytes, and {length} were announced: it came in part");
        string actual = Convert.ToHexStringLower(sha256.GetHashAndReset());
        if (expected.Sha256 is { } wanted && wanted != actual)
            throw new SourceException($"the SHA-256 of {name} is {actual}, and {wanted} was announced: it was changed or damaged on the way, or is being written anew") { IsDamage = true };
        if (git is not null && Convert.ToHexStringLower(git.GetHashAndReset()) != expected.GitBlob)
            throw new SourceException($"{name} is not the file that git knows as {expected.GitBlob}: it was changed or damaged on the way") { IsDamage = true };
        return actual;
    }

    public void Dispose()
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The next day's look deletes it.
        }
    }

    private async Task<int> ReadAsync(Stream bytes, byte[] buffer, string name, CancellationToken stop)
    {
        try
        {
            return await bytes.ReadAsync(buffer, stop).AsTask().WaitAsync(Patience, time, stop);
        }
        catch (Exception e) when (e is IOException or TimeoutException or HttpRequestException or Amazon.Runtime.AmazonClientException)
        {
            throw new SourceException($"{name} broke off: {e.Message}", e);
        }
    }

    // git names a file by this hash: it is compared, nothing is kept secret by it.
#pragma warning disable CA5350
    private static IncrementalHash GitHash(long size)
    {
        var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        hash.AppendData(Encoding.ASCII.GetBytes($"blob {size}\0"));
        return hash;
    }
#pragma warning restore CA5350
}
