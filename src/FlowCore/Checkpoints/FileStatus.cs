using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace FlowCore.Checkpoints;

/// <summary>
/// What a path leads to, symbolic links followed. <see cref="Identity"/> differs where the file was replaced, written to, or
/// became readable: it holds the time of the last change, which no program can set back.
/// </summary>
public readonly partial record struct FileStatus(bool IsFile, bool IsFolder, long Length, string Identity)
{
    // struct statx of the Linux kernel, the same on every processor: linux/stat.h.
    private const int Size = 256, CurrentFolder = -100;
    private const uint BasicFields = 0x7ff;
    private const int TypeMask = 0xf000, FolderType = 0x4000, FileType = 0x8000;
    private const int NoEntry = 2, NoFolder = 20; // ENOENT, ENOTDIR

    /// <summary>The status, or null with the system's words where nothing is found, a link leading nowhere or in a circle.</summary>
    public static FileStatus? Of(string path, out string fault)
    {
        fault = "";
        if (!OperatingSystem.IsLinux())
            return Portable(path, out fault);
        Span<byte> status = stackalloc byte[Size];
        if (Statx(CurrentFolder, path, 0, BasicFields, status) != 0)
        {
            fault = Marshal.GetLastPInvokeErrorMessage();
            return null;
        }
        int type = BinaryPrimitives.ReadUInt16LittleEndian(status[28..]) & TypeMask;
        long length = BinaryPrimitives.ReadInt64LittleEndian(status[40..]);
        // Inode, length, the times of the last change and the last write, device.
        string identity =
            Convert.ToHexStringLower([.. status[32..48], .. status[96..108], .. status[112..124], .. status[136..144]]);
        return new(type == FileType, type == FolderType, length, identity);
    }

    /// <summary>The status, or null where nothing is found.</summary>
    public static FileStatus? Of(string path) => Of(path, out _);

    /// <summary>Whether nothing lies there: neither what may not be looked at nor a link that leads nowhere.</summary>
    public static bool IsMissing(string path) =>
        Of(path) is null && Marshal.GetLastPInvokeError() is NoEntry or NoFolder
        && new FileInfo(path).LinkTarget is null;

    private static FileStatus? Portable(string path, out string fault)
    {
        fault = "No such file or directory";
        Marshal.SetLastPInvokeError(NoEntry);
        if (Directory.Exists(path))
            return new(false, true, 0, "");
        if (!File.Exists(path))
            return null;
        var file = new FileInfo(path);
        file = file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? file;
        return new(true, false, file.Length, $"{file.FullName}/{file.Length}/{file.LastWriteTimeUtc.Ticks}");
    }

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(int folder, string path, int flags, uint mask, Span<byte> status);
}
