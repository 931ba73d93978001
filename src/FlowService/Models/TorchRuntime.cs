using FlowCore.Tensors;
using Microsoft.Extensions.Options;
using TorchSharp;

namespace FlowService.Models;

/// <summary>libtorch as the service set it up: the device that was asked for, and the number of threads.</summary>
internal sealed class TorchRuntime
{
    public TorchRuntime(IOptions<TorchOptions> options, ILogger<TorchRuntime> logger)
    {
        OpenMp.WaitPassively();
        if (options.Value.Threads > 0)
            Libtorch.Threads = options.Value.Threads;
        Device = Libtorch.Device(options.Value.Device).ToString();
        Threads = Libtorch.Threads;
        logger.TorchLoaded(typeof(TorchRuntime).Assembly.GetName().Version!.ToString(3), torch.__version__, Device, Threads);
    }

    /// <summary>The device's name: <c>cpu</c>, <c>cuda:0</c>, ...</summary>
    public string Device { get; }

    public int Threads { get; }

    /// <summary>The tensors that live in this process: it must not grow with the requests.</summary>
    public static long LiveTensors => torch.Tensor.TotalCount;
}
