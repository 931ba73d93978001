using Microsoft.Win32.SafeHandles;

namespace FlowCore.Checkpoints;

/// <summary>Reads files of folders that others write to, where a name may lead to anything.</summary>
public static class WholeFile
{
    /// <summary>
    /// All bytes that a file has when it is opened. Pipes and devices are refused before that: reading them might wait, or go on,
    /// for ever.
    /// </summary>
    /// <exception cref="IOException">It cannot be read; the message has the remedy, and not the path.</exception>
    public static byte[] Read(string path)
    {
        if (FileStatus.Of(path, out string fault) is not { } status)
            throw new IOException(Unseen(path, fault));
        if (!status.IsFile)
            throw new IOException($"it is a {(status.IsFolder ? "folder" : "pipe or a device")}; put a file in its place");
        try
        {
            using SafeFileHandle file = File.OpenHandle(path);
            long length = RandomAccess.GetLength(file);
            if (length > Array.MaxLength)
                throw new IOException($"it has {length} bytes, and may have {Array.MaxLength}");
            byte[] bytes = GC.AllocateUninitializedArray<byte>((int)length);
            int read = 0;
            while (read < bytes.Length)
                read += RandomAccess.Read(file, bytes.AsSpan(read), read) is > 0 and var more
                    ? more
                    : throw new IOException($"it ended after {read} of {length} bytes; write it aside, and rename it when it is whole");
            return bytes;
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException("Permission denied; let this user read it", e);
        }
    }

    private static string Unseen(string path, string fault) => new FileInfo(path).LinkTarget is { } target
        ? $"the link to {target} leads nowhere: {fault}; mend it"
        : $"{fault}; it must be there, and this user must be let into its folder";
}
