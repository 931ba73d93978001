using System.Runtime.InteropServices;

namespace FlowService.Models;

/// <summary>The memory behind tensors on the CPU, which is the C library's.</summary>
internal static partial class NativeHeap
{
    /// <summary>
    /// Gives back to the system what a model has left. Building one leaves tensors to the garbage collector, which does not know
    /// their size and would not come for them; and glibc keeps what is freed.
    /// </summary>
    public static void Release()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
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
