namespace FlowCore.Engines.Gpu.Cuda;

/// <summary>Where the engine for GPUs finds NVIDIA's libraries, and where it keeps what it has compiled.</summary>
public sealed record GpuOptions
{
    /// <summary>What holds where nothing else is said; FLOW_NVRTC and FLOW_KERNELS in the environment name the compiler and the folder.</summary>
    public static GpuOptions Default { get; } = OfEnvironment();

    /// <summary>The driver's library.</summary>
    public string Driver { get; init; } = OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1";

    /// <summary>NVRTC, the compiler of kernels: its file, or the folder that it lies in; empty to look where it usually lies.</summary>
    public string Compiler { get; init; } = "";

    /// <summary>The folder where compiled kernels are kept, so that a restart need not compile them again; empty to keep none.</summary>
    public string KernelFolder { get; init; } = Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "flowservice", "kernels");

    /// <summary>Whether matrices in float32 may be multiplied in TF32, by tensor cores, where the device has them; else float32 is exact.</summary>
    public bool AllowTf32 { get; init; }

    private static GpuOptions OfEnvironment()
    {
        var usual = new GpuOptions();
        return usual with
        {
            Compiler = Environment.GetEnvironmentVariable("FLOW_NVRTC") ?? usual.Compiler,
            KernelFolder = Environment.GetEnvironmentVariable("FLOW_KERNELS") ?? usual.KernelFolder,
        };
    }
}
