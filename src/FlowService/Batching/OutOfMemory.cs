using System.Runtime.InteropServices;

namespace FlowService.Batching;

/// <summary>Whether a computation failed for want of memory, so that a smaller one may succeed.</summary>
internal static class OutOfMemory
{
    public static bool Is(Exception e) =>
        e is OutOfMemoryException or InsufficientMemoryException
        || e is ExternalException && (e.Message.Contains("out of memory", StringComparison.OrdinalIgnoreCase)
            || e.Message.Contains("can't allocate memory", StringComparison.OrdinalIgnoreCase));
}
