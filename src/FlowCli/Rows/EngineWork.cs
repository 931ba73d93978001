using System.Numerics;
using FlowCore.Checkpoints;
using FlowCore.Engines;
using FlowRows.Answers;
using FlowRows.Buffers;

namespace FlowCli.Rows;

/// <summary>What a command has an engine do, in the type of numbers that was asked for.</summary>
/// <param name="Type">What is computed, and written in binary formats.</param>
internal abstract record EngineWork(ElementType Type)
{
    /// <summary>Opens the checkpoint and does it.</summary>
    public void Run(Terminal terminal, string model, string device, EngineKind kind)
    {
        Task done = Type == ElementType.Float32
            ? RunAsync<float>(terminal, model, device, kind)
            : RunAsync<double>(terminal, model, device, kind);
        done.GetAwaiter().GetResult();
    }

    protected abstract Task RunAsync<T>(EngineRun<T> engine, int version, RowPool pool, Terminal terminal)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    private async Task RunAsync<T>(Terminal terminal, string model, string device, EngineKind kind)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var pool = new RowPool();
        string folder = ModelPath.Resolve(model);
        using var engine = new EngineRun<T>(Engine.Open<T>(Checkpoint.Read(folder), kind, device, Environment.ProcessorCount), pool) { Folder = folder };
        await RunAsync(engine, ModelPath.VersionOf(folder), pool, terminal);
    }
}
