using System.ComponentModel.DataAnnotations;
using FlowCore.Engines;
using FlowCore.Engines.Gpu.Cuda;
using FlowService.Limits;
using Microsoft.Extensions.Options;

namespace FlowService.Models;

/// <summary>The section <c>Models</c>: where the models are, and what is kept of them.</summary>
internal sealed class ModelsOptions
{
    public const string Section = "Models";

    /// <summary>The model repository: a folder with NAME/VERSION/flow.json (default <c>models</c>).</summary>
    [Required(ErrorMessage = "Models:Repository must name a folder: it holds the models as NAME/VERSION/flow.json (default models).")]
    public string Repository { get; set; } = "models";

    /// <summary>Whether the service is ready with a repository that is missing or holds no model (default false).</summary>
    public bool AllowEmpty { get; set; }

    /// <summary>
    /// How far float32 may be from float64 on the median probe row, in nats and in relative round-trip error, before a model is
    /// refused (default 0.05).
    /// </summary>
    [Within(0, 1e6, ErrorMessage = "Models:SelfTestTolerance must be 0 or more: a model whose median probe row is further from float64 is refused (default 0.05).")]
    public double SelfTestTolerance { get; set; } = 0.05;

    /// <summary>The time in seconds between two looks at the repository (default 5); 0 looks only at start.</summary>
    [Within(0, 86400, ErrorMessage = "Models:PollSeconds must lie in 0..86400: the repository is looked at for new versions so often; 0 looks only at start (default 5).")]
    public double PollSeconds { get; set; } = 5;

    /// <summary>
    /// The bytes that the weights of loaded models may have together (default 0: no limit). Models beyond it are loaded when they are
    /// asked for, and the least recently used ones make room.
    /// </summary>
    [Within(0, 1L << 50, ErrorMessage = "Models:MemoryBytes must be 0 or more: the most bytes that the weights of all loaded models may take; 0 is no limit (default 0).")]
    public long MemoryBytes { get; set; }

    /// <summary>The time in seconds between two looks at each of <c>Models:Sources</c> (default 60); 0 looks only at start.</summary>
    [Within(0, 86400, ErrorMessage = "Models:SourceSeconds must lie in 0..86400: each source is looked at for new versions so often; 0 looks only at start (default 60).")]
    public double SourceSeconds { get; set; } = 60;

    /// <summary>The most bytes that one look at a source may bring, packed and unpacked (default 16 GiB).</summary>
    [Within(1, 1L << 50, ErrorMessage = "Models:SourceBytes must be 1 or more: it is the most bytes that one look at a source may bring (default 17179869184).")]
    public long SourceBytes { get; set; } = 16L << 30;

    /// <summary>The folder that remembers which compared versions were promoted, a file for each model; left out, <c>.promotions</c> in the repository; "-" for none: a promotion then ends with the process.</summary>
    /// <remarks>The repository is read-only: a folder that the service may write to, and that outlasts it.</remarks>
    public string? PromotionFolder { get; set; }
}

[OptionsValidator]
internal sealed partial class ModelsOptionsValidator : IValidateOptions<ModelsOptions>;

/// <summary>The section <c>Engine</c>: what computes, on how many cores, and what a GPU needs.</summary>
internal sealed class EngineOptions
{
    public const string Section = "Engine";

    /// <summary><c>auto</c> (default: the compiled one of the device, where it runs the model's kinds), <c>compiled</c> (on the CPU), <c>gpu</c> or <c>torch</c>.</summary>
    [RegularExpression("(?i)auto|compiled|gpu|torch", ErrorMessage = "Engine:Kind must be auto, compiled, gpu or torch: what computes the models (default auto).")]
    public string Kind { get; set; } = "auto";

    /// <summary>The cores that the compiled engine spreads a large batch over (default 1; 0 for all of them).</summary>
    [Within(0, 1024, ErrorMessage = "Engine:Threads must lie in 0..1024; 0 spreads large batches over all cores (default 1).")]
    public int Threads { get; set; } = 1;

    /// <summary>NVRTC, which compiles the kernels of the GPU engine: its file, or the folder that it lies in; left out, it is looked for where CUDA puts it.</summary>
    public string? Nvrtc { get; set; }

    /// <summary>The folder where compiled kernels are kept, so that a restart finds them; left out, flowservice/kernels in the user's own data; "-" for none.</summary>
    public string? KernelFolder { get; set; }

    /// <summary>Whether the GPU engine may multiply float32 matrices in TF32 on tensor cores, of Ampere and newer; false (default): it has the bits of the CPU.</summary>
    public bool AllowTf32 { get; set; }

    internal EngineKind EngineKind => Enum.Parse<EngineKind>(Kind, ignoreCase: true);

    /// <summary>The same as the engine takes it.</summary>
    internal GpuOptions Gpu => GpuOptions.Default with
    {
        Compiler = Nvrtc ?? GpuOptions.Default.Compiler,
        KernelFolder = KernelFolder switch { null => GpuOptions.Default.KernelFolder, "-" => "", var folder => folder },
        AllowTf32 = AllowTf32,
    };
}

[OptionsValidator]
internal sealed partial class EngineOptionsValidator : IValidateOptions<EngineOptions>;

/// <summary>The section <c>Torch</c>: the device, and how one tensor operation computes.</summary>
internal sealed class TorchOptions
{
    public const string Section = "Torch";

    /// <summary><c>auto</c> (default: a GPU where there is one), <c>cpu</c>, <c>cuda</c> or <c>cuda:n</c>.</summary>
    [RegularExpression("(?i)auto|cpu|cuda(:[0-9]+)?", ErrorMessage = "Torch:Device must be auto, cpu, cuda or cuda:n, n being the GPU's number (default auto).")]
    public string Device { get; set; } = "auto";

    /// <summary>The threads of one tensor operation on the CPU; 0 leaves the choice to libtorch. Flows are small: 1 (default) is fastest, and leaves cores to HTTP.</summary>
    [Within(0, 1024, ErrorMessage = "Torch:Threads must lie in 0..1024; 0 leaves the choice to libtorch (default 1).")]
    public int Threads { get; set; } = 1;

    /// <summary>Whether a GPU may round float32 to TF32 in matrices and convolutions; false (default): float32 is exact.</summary>
    public bool AllowTf32 { get; set; }
}

[OptionsValidator]
internal sealed partial class TorchOptionsValidator : IValidateOptions<TorchOptions>;
