using System.Numerics;
using FlowCore.Checkpoints;
using FlowCore.Engines.Compiled;
using FlowCore.Tensors;

namespace FlowCore.Engines;

/// <summary>Which engine computes a flow.</summary>
public enum EngineKind
{
    /// <summary>On the CPU the compiled one, where it runs the flow's kinds; else TorchSharp.</summary>
    Auto,

    /// <summary>The compiled one: a flow that it does not run is refused.</summary>
    Compiled,

    /// <summary>TorchSharp.</summary>
    Torch,
}

/// <summary>From a checkpoint to the engine that computes it.</summary>
public static class Engine
{
    /// <param name="checkpoint">The flow and its weights.</param>
    /// <param name="kind">Which engine.</param>
    /// <param name="device">Where: <c>auto</c>, <c>cpu</c>, <c>cuda</c> or <c>cuda:n</c>.</param>
    /// <param name="threads">The cores that a batch is spread over by the compiled engine.</param>
    /// <exception cref="FlowException">The flow, its weights or the device are not what was asked for.</exception>
    public static FlowEngine<T> Open<T>(Checkpoint checkpoint, EngineKind kind = EngineKind.Auto, string device = "cpu", int threads = 1)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        FlowEngine<T> engine = OpenConditional<T>(checkpoint, kind, device, threads);
        return checkpoint.Spec.Context?.Categories is { } categories ? new CategoricalEngine<T>(engine, categories) : engine;
    }

    private static FlowEngine<T> OpenConditional<T>(Checkpoint checkpoint, EngineKind kind, string device, int threads)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (!Libtorch.IsCpu(device))
            return kind == EngineKind.Compiled
                ? throw new FlowException($"the compiled engine runs on the CPU, not on '{device}'; ask for cpu, or for the torch engine")
                : Torch<T>(checkpoint, device, $"the device is {device}");
        if (kind == EngineKind.Torch)
            return Torch<T>(checkpoint, "cpu", "it was asked for");
        try
        {
            return new CompiledEngine<T>(checkpoint, threads);
        }
        catch (NotCompiledException e) when (kind == EngineKind.Auto)
        {
            return Torch<T>(checkpoint, "cpu", e.Message);
        }
    }

    private static TorchEngine<T> Torch<T>(Checkpoint checkpoint, string device, string why)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        try
        {
            return new(checkpoint.BuildFlow(), device) { Reason = why };
        }
        catch (Exception e) when (e.GetBaseException() is DllNotFoundException)
        {
            throw new FlowException($"it needs TorchSharp ({why}), and libtorch is not there: take the image that is built with TORCH=cpu, or build with -p:TorchBackend=cpu", e);
        }
    }
}
