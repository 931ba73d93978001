using FlowCore.Engines;
using FlowCore.Tensors;
using Microsoft.Extensions.Options;
using TorchSharp;

namespace FlowService.Models;

/// <summary>
/// libtorch as the service sets it up: the device that was asked for, and the number of threads. Where the compiled engine serves
/// every model, it is never loaded.
/// </summary>
internal sealed class TorchRuntime
{
    private readonly int threads;
    private readonly ILogger<TorchRuntime> logger;
    private readonly Lock loading = new();

    // Read by the metrics, which must not load the library.
    private static volatile bool isLoaded;

    public TorchRuntime(IOptions<TorchOptions> options, IOptions<EngineOptions> engine, ILogger<TorchRuntime> logger)
    {
        this.logger = logger;
        threads = options.Value.Threads;
        Libtorch.AllowTf32 = options.Value.AllowTf32;
        OpenMp.WaitPassively();
        Device = Engine.DeviceOf(options.Value.Device, engine.Value.EngineKind, engine.Value.Gpu);
    }

    /// <summary>The device's name: <c>cpu</c>, <c>cuda:0</c>, ...</summary>
    public string Device { get; }

    /// <summary>Whether the library is loaded: whoever needs it not may do with it what costs little.</summary>
    public static bool IsLoaded => isLoaded;

    /// <summary>The tensors that live in this process: it must not grow with the requests.</summary>
    public static long LiveTensors => isLoaded ? torch.Tensor.TotalCount : 0;

    /// <summary>Loads the library, once.</summary>
    public void Load()
    {
        lock (loading)
        {
            if (isLoaded)
                return;
            if (threads > 0)
                Libtorch.Threads = threads;
            logger.TorchLoaded(typeof(TorchRuntime).Assembly.GetName().Version!.ToString(3), torch.__version__, Device, Libtorch.Threads);
            isLoaded = true;
        }
    }
}
