using System.Numerics;
using FlowCore;
using FlowCore.Checkpoints;
using FlowCore.Engines;
using FlowRows.Answers;
using FlowRows.Buffers;

namespace FlowCli.Rows;

/// <summary>What a command has an engine do, in the type of numbers that was asked for.</summary>
/// <param name="Type">What is computed, and written in binary formats.</param>
internal abstract record EngineWork(ElementType Type)
{
    /// <summary>The file whose images say which size the model's images have, where it takes several, and whether they are what it enlarges.</summary>
    protected virtual (string Path, bool AreContexts, bool ChannelsLast)? Images => null;

    /// <summary>Height and width of the model's images, where the command line says them.</summary>
    public (int Height, int Width)? Size { get; init; }

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
        Checkpoint stored = Checkpoint.Read(folder), checkpoint = await AtSizeAsync(stored, terminal);
        using var engine = new EngineRun<T>(Engine.Open<T>(checkpoint, kind, device, Environment.ProcessorCount), pool)
        {
            Folder = folder,
            IsResized = !ReferenceEquals(checkpoint, stored),
        };
        await RunAsync(engine, ModelPath.VersionOf(folder), pool, terminal);
    }

    // The beginning of a file is read for it; what comes through a pipeline is as large as --size says, or the model's own.
    private async Task<Checkpoint> AtSizeAsync(Checkpoint checkpoint, Terminal terminal)
    {
        EventSizes? sizes = EventSizes.Of(checkpoint.Spec);
        var (shown, path) = sizes is null ? (null, null) : await ShownAsync(terminal);
        try
        {
            FlowSpec spec = EventSizes.Requested(checkpoint.Spec, sizes, shown, Size);
            return spec.EventShape.AsSpan().SequenceEqual(checkpoint.Spec.EventShape) ? checkpoint : checkpoint with { Spec = spec, Calibration = null };
        }
        catch (SpecException e)
        {
            throw new FlowException($"{(Size is null ? path : "--size")}: {e.Message}", e);
        }
    }

    private async Task<(ShownImages? Images, string? Path)> ShownAsync(Terminal terminal)
    {
        if (Images is not ({ } path, var areContexts, var channelsLast) || path == RowPipe.Standard)
            return default;
        await using RowPipe pipe = await RowPipe.OpenAsync(path, terminal);
        ShownImages? shown = await pipe.NamingAsync(async () => await pipe.Format.ImagesAsync(pipe.Bytes, channelsLast, terminal.Stop));
        return (shown is { } images ? images with { AreContexts = areContexts } : null, pipe.Shown);
    }
}
