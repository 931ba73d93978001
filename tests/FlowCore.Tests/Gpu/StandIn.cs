using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using FlowCore.Engines.Gpu.Cuda;

namespace FlowCore.Tests.Gpu;

/// <summary>
/// NVIDIA's driver and compiler where there is no GPU: <c>stand_in.cpp</c>, built by g++ when the first test asks for it. The engine
/// itself is the real one, and runs the text that a GPU would run.
/// </summary>
internal static class StandIn
{
    private static readonly Lazy<string> Library = new(Build);

    /// <summary>A folder of this run's own.</summary>
    public static string Folder { get; } = Directory.CreateTempSubdirectory("flow-gpu-").FullName;

    /// <summary>The stand-in in the place of both libraries; kernels are kept for this run.</summary>
    public static GpuOptions Options => new() { Driver = Library.Value, Compiler = Library.Value, KernelFolder = Path.Combine(Folder, "kernels") };

    /// <summary>What the stand-in has counted.</summary>
    public static long Count(string what) => Marshal.GetDelegateForFunctionPointer<Counting>(Export("stand_in"))(what);

    /// <summary>How many bytes the devices have together.</summary>
    public static void Limit(long bytes) => Marshal.GetDelegateForFunctionPointer<Limiting>(Export("stand_in_limit"))(bytes);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate long Counting([MarshalAs(UnmanagedType.LPUTF8Str)] string what);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void Limiting(long bytes);

    private static nint Export(string name) => NativeLibrary.GetExport(NativeLibrary.Load(Library.Value), name);

    private static string Build()
    {
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(Folder, recursive: true);
        string library = Path.Combine(Folder, "stand_in.so"), source = Path.Combine(AppContext.BaseDirectory, "Gpu", "stand_in.cpp");
        // Without -mfma a fused multiply-add is a call: slower, with the same bits.
        using Process compiler = Process.Start(new ProcessStartInfo("g++", ["-O1", "-std=c++17", "-shared", "-fPIC", $"-DFLAGS=\"{(Fma.IsSupported ? "-mfma" : "")}\"", source, "-o", library, "-ldl"]) { RedirectStandardError = true })!;
        string words = compiler.StandardError.ReadToEnd();
        compiler.WaitForExit();
        Assert.True(compiler.ExitCode == 0, $"g++ (Debian's package g++) is needed to run kernels without a GPU: {words}");
        return library;
    }
}
