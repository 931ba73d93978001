using TorchSharp;

namespace FlowCore.Tensors;

/// <summary>The native library behind TorchSharp: which devices it offers, and how many threads it may use.</summary>
public static class Libtorch
{
    private const string CudaLibrary = "libtorch_cuda*";

    /// <summary>
    /// Whether a GPU may multiply float32 matrices and convolve with 10 bits of mantissa (TF32), faster by some and wrong in the fourth
    /// digit. False, unless it is asked for before the first device is opened.
    /// </summary>
    public static bool AllowTf32 { get; set; }

    /// <summary>Whether a device's name means the CPU. Loads the library only where it was built for GPUs, and is asked for one.</summary>
    public static bool IsCpu(string name) => name.Trim().ToLowerInvariant() switch
    {
        "cpu" => true,
        "auto" => !Folders.Any(folder => Directory.Exists(folder) && Directory.EnumerateFiles(folder, CudaLibrary).Any()) || Device(name).type == DeviceType.CPU,
        _ => false,
    };

    /// <summary>
    /// <c>auto</c> (a GPU where there is one), <c>cpu</c>, <c>cuda</c> or <c>cuda:n</c>. A GPU that was asked for by name and is
    /// absent is an error, never a silent CPU.
    /// </summary>
    public static torch.Device Device(string name)
    {
        string asked = name.Trim().ToLowerInvariant();
        if (asked == "cpu")
            return torch.CPU;
        bool any = asked == "auto";
        if (!any && asked != "cuda" && !(asked.StartsWith("cuda:", StringComparison.Ordinal) && int.TryParse(asked[5..], out _)))
            throw new FlowException($"device '{name}' is not one of auto, cpu, cuda, cuda:n");
        if (!torch.cuda.is_available())
            return any ? torch.CPU : throw new FlowException(
                $"device '{name}' was asked for, but this libtorch sees no GPU: build with -p:TorchBackend=cuda, install a CUDA driver, or ask for cpu");
        int index = asked.Length > 5 ? int.Parse(asked[5..], System.Globalization.CultureInfo.InvariantCulture) : 0;
        if (index >= torch.cuda.device_count())
            throw new FlowException($"device '{name}' was asked for, but there are {torch.cuda.device_count()} GPUs");
        // libtorch's own default is exact for matrices, and not for convolutions.
        (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32) = (AllowTf32, AllowTf32);
        return new torch.Device(DeviceType.CUDA, index);
    }

    /// <summary>
    /// Whether an exception says that the library is not there: TorchSharp fails in one way or another, as it finds a folder of packages
    /// or none.
    /// </summary>
    public static bool IsMissing(Exception e) =>
        e is DllNotFoundException or TypeInitializationException { TypeName: "TorchSharp.torch" }
        || (e.InnerException is { } inner && IsMissing(inner));

    /// <summary>The number of threads that one tensor operation may use on the CPU.</summary>
    public static int Threads
    {
        get => torch.get_num_threads();
        set => torch.set_num_threads(value);
    }

    // Where the library is looked for: beside the program, and where the operator says (a PyTorch's own folder, say).
    private static string[] Folders =>
        [AppContext.BaseDirectory, .. (Environment.GetEnvironmentVariable("LD_LIBRARY_PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)];
}
