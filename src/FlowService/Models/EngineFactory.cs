using FlowCore.Checkpoints;
using FlowCore.Engines;
using Microsoft.Extensions.Options;

namespace FlowService.Models;

/// <summary>What serves a checkpoint on a device: the boundary that tests cut.</summary>
internal delegate FlowEngine<float> EngineFactory(Checkpoint checkpoint, string device);

/// <summary>The engines as the section <c>Engine</c> asks for them.</summary>
internal sealed class Engines(IOptions<EngineOptions> options, TorchRuntime torch)
{
    private readonly EngineKind kind = options.Value.EngineKind;
    private readonly int threads = options.Value.Threads == 0 ? Environment.ProcessorCount : options.Value.Threads;

    public FlowEngine<float> Open(Checkpoint checkpoint, string device)
    {
        FlowEngine<float> engine = Engine.Open<float>(checkpoint, kind, device, threads, options.Value.Gpu);
        if (engine.Conditional is TorchEngine<float>)
            torch.Load();
        return engine;
    }
}
