using System.Runtime.InteropServices;

namespace FlowService.Models;

/// <summary>The C library's heap, in which libtorch keeps tensors on the CPU.</summary>
internal static partial class NativeHeap
{
    /// <summary>Gives what is free back to the system: glibc keeps it otherwise, and an unload would not be seen from outside.</summary>
    public static void Trim()
    {
        try
        {
            if (OperatingSystem.IsLinux())
                _ = MallocTrim(0);
        }
        catch (EntryPointNotFoundException)
        {
            // another C library, which gives memory back by itself
        }
    }

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    private static partial int MallocTrim(nuint pad);
}
