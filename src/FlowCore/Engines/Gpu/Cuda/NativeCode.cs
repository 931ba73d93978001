using System.Runtime.InteropServices;

namespace FlowCore.Engines.Gpu.Cuda;

/// <summary>A library that is found at run time, or missed with a sentence that says where it was looked for.</summary>
internal sealed class NativeCode
{
    private readonly nint handle;
    private readonly string path;

    private NativeCode(nint handle, string path) => (this.handle, this.path) = (handle, path);

    /// <summary>The first of these that loads; null where none does.</summary>
    public static NativeCode? Open(IEnumerable<string> candidates)
    {
        foreach (string path in candidates)
            if (NativeLibrary.TryLoad(path, out nint handle))
                return new NativeCode(handle, path);
        return null;
    }

    /// <summary>The address of a function.</summary>
    /// <exception cref="FlowException">The library is older than the function.</exception>
    public nint Function(string name) => NativeLibrary.TryGetExport(handle, name, out nint address)
        ? address
        : throw new FlowException($"{path} has no function {name}: it is too old, or no library of NVIDIA's; the GPU engine needs a driver for CUDA 12 or newer");
}
