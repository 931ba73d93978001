using System.Numerics;
using FlowCore.Checkpoints;
using FlowCore.Engines.Compiled;
using FlowCore.Engines.Gpu;
using FlowCore.Engines.Gpu.Cuda;
using FlowCore.Tensors;

namespace FlowCore.Engines;

/// <summary>Which engine computes a flow.</summary>
public enum EngineKind
{
    /// <summary>The compiled one of the device, <see cref="Compiled"/> or <see cref="Gpu"/>, where it runs the flow's kinds; else TorchSharp.</summary>
    Auto,

    /// <summary>The compiled one of the CPU: a flow that it does not run is refused.</summary>
    Compiled,

    /// <summary>The compiled one of NVIDIA's GPUs: a flow that it does not run is refused.</summary>
    Gpu,

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
    /// <param name="gpu">Where NVIDIA's libraries are; null for <see cref="GpuOptions.Default"/>.</param>
    /// <exception cref="FlowException">The flow, its weights or the device are not what was asked for.</exception>
    public static FlowEngine<T> Open<T>(
        Checkpoint checkpoint, EngineKind kind = EngineKind.Auto, string device = "cpu", int threads = 1, GpuOptions? gpu = null)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        WithCategories(OpenConditional<T>(checkpoint, kind, device, threads, gpu ?? GpuOptions.Default), checkpoint);

    /// <summary>Where an engine of a kind computes that is asked to be on a device: <c>cpu</c>, <c>cuda:0</c>, ...</summary>
    /// <param name="name"><c>auto</c> (a GPU where there is one that the engine can use), <c>cpu</c>, <c>cuda</c> or <c>cuda:n</c>.</param>
    /// <param name="kind">Which engine.</param>
    /// <param name="gpu">Where NVIDIA's libraries are; null for <see cref="GpuOptions.Default"/>.</param>
    /// <exception cref="FlowException">A GPU that was asked for by name is not there: never a silent CPU.</exception>
    public static string DeviceOf(string name, EngineKind kind, GpuOptions? gpu = null)
    {
        string asked = name.Trim().ToLowerInvariant();
        if (asked == "cpu")
            return asked;
        // Only where it can be used: a GPU without NVRTC is TorchSharp's, or nobody's.
        gpu ??= GpuOptions.Default;
        if (kind is EngineKind.Auto or EngineKind.Gpu && GpuDevice.Ordinal(asked, gpu) is { } ordinal)
            return FormattableString.Invariant($"cuda:{ordinal}");
        if (kind == EngineKind.Gpu)
            throw GpuDevice.Missing(name, gpu);
        try
        {
            return Libtorch.IsCpu(asked) ? "cpu" : Libtorch.Device(asked).ToString();
        }
        catch (Exception e) when (Libtorch.IsMissing(e))
        {
            throw GpuDevice.Missing(name, gpu);
        }
    }

    /// <summary>
    /// The float64 engine that a float32 one is compared with: the same program where it is compiled, without compiling it again, and
    /// TorchSharp's beside TorchSharp's.
    /// </summary>
    /// <exception cref="FlowException">The flow or its weights are not what was asked for.</exception>
    public static FlowEngine<double> ReferenceOf(FlowEngine<float> engine, Checkpoint checkpoint) => engine.Conditional switch
    {
        CompiledEngine<float> compiled => WithCategories(compiled.As<double>(), checkpoint),
        TorchEngine<float> => Open<double>(checkpoint, EngineKind.Torch),
        _ => Open<double>(checkpoint),
    };

    private static FlowEngine<T> WithCategories<T>(FlowEngine<T> engine, Checkpoint checkpoint)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        checkpoint.Spec.Context?.Categories is { } categories ? new CategoricalEngine<T>(engine, categories) : engine;

    private static FlowEngine<T> OpenConditional<T>(Checkpoint checkpoint, EngineKind kind, string device, int threads, GpuOptions gpu)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (kind == EngineKind.Compiled && !Libtorch.IsCpu(device))
            throw new FlowException($"the compiled engine runs on the CPU, not on '{device}'; ask for cpu, or for the gpu or the torch engine");
        string at = DeviceOf(device, kind, gpu);
        if (at != "cpu")
            return kind == EngineKind.Torch ? Torch<T>(checkpoint, at, "it was asked for") : OnGpu<T>(checkpoint, kind, at, gpu);
        if (kind == EngineKind.Gpu)
            throw new FlowException("the gpu engine runs on GPUs, not on 'cpu'; ask for the device cuda, or for the compiled or the torch engine");
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

    private static FlowEngine<T> OnGpu<T>(Checkpoint checkpoint, EngineKind kind, string device, GpuOptions gpu)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        try
        {
            return new GpuEngine<T>(checkpoint, gpu, GpuDevice.Number(device));
        }
        catch (FlowException e) when (kind == EngineKind.Auto)
        {
            return Torch<T>(checkpoint, device, e.Message);
        }
    }

    private static TorchEngine<T> Torch<T>(Checkpoint checkpoint, string device, string why)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        try
        {
            return new(checkpoint.BuildFlow(), device) { Reason = why };
        }
        catch (Exception e) when (Libtorch.IsMissing(e))
        {
            string backend = device == "cpu" ? "cpu" : "cuda";
            throw new FlowException($"it needs TorchSharp ({why}), and libtorch is not there: take the image that is built with TORCH={backend}, or build with -p:TorchBackend={backend}", e);
        }
    }
}
