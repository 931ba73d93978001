using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using FlowCore.Engines.Gpu.Cuda;

namespace FlowCore.Tests.Gpu;

/// <summary>
/// NVIDIA's driver and compiler where there is no GPU: <c>stand_in.cpp</c>, built by g++ when the first test asks for it. The engine
/// itself is the real one, and runs the text that a GPU would run.
/// </summary>
internal sealed class StandIn
{
    private static readonly Lazy<string> Built = new(Build);
    private static readonly Lazy<StandIn> Common = new(() => new());
    private static int copies;

    private readonly string library = Path.Combine(Folder, $"stand_in_{Interlocked.Increment(ref copies)}.so");

    /// <summary>One of its own, with counters of its own.</summary>
    public StandIn() => File.Copy(Built.Value, library);

    /// <summary>A folder of this run's own.</summary>
    public static string Folder { get; } = Directory.CreateTempSubdirectory("flow-gpu-").FullName;

    /// <summary>One that all tests share which count nothing.</summary>
    public static StandIn Shared => Common.Value;

    /// <summary>Whether the stand-in is wanted: everywhere but on a machine whose GPU is to be tried (FLOW_TEST_GPU=1, tests/gpu.sh).</summary>
    public static bool IsAsked { get; } = Environment.GetEnvironmentVariable("FLOW_TEST_GPU") != "1";

    /// <summary>The shared stand-in, or NVIDIA's own libraries.</summary>
    public static GpuOptions OrDevice => IsAsked ? Shared.Options : GpuOptions.Default;

    /// <summary>The stand-in in the place of both libraries; kernels are kept for this run.</summary>
    public GpuOptions Options => new() { Driver = library, Compiler = library, KernelFolder = Path.Combine(Folder, "kernels") };

    /// <summary>What it has counted.</summary>
    public long Count(string what) => Marshal.GetDelegateForFunctionPointer<Counting>(Export("stand_in"))(what);

    /// <summary>What an engine holds of a device, and of the host for it.</summary>
    public long[] Held => [.. new[] { "device bytes", "host blocks", "streams", "modules", "contexts" }.Select(Count)];

    /// <summary>How many bytes the devices have together.</summary>
    public void Limit(long bytes) => Marshal.GetDelegateForFunctionPointer<Limiting>(Export("stand_in_limit"))(bytes);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate long Counting([MarshalAs(UnmanagedType.LPUTF8Str)] string what);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void Limiting(long bytes);

    private nint Export(string name) => NativeLibrary.GetExport(NativeLibrary.Load(library), name);

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
