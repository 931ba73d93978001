using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Network;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Conditioners.Layers;

/// <summary>Networks on the same input, their outputs interleaved: one parameter of every feature comes from each.</summary>
public sealed record ParallelLayerSpec : LayerSpec
{
    public required LayerSpec[][] Branches { get; init; }

    internal override bool NeedsUnits => false;

    internal override void Check(SpecScope at, LayerPlace place)
    {
        if (at.List(Branches, "branches").Length == 0)
            throw at.Refusal("branches", "must not be empty");
        int width = -1;
        for (int b = 0; b < Branches.Length; b++)
        {
            LayerPlace behind = Check(Branches[b], at, $"branches[{b}]", $"branch{b}", place);
            if (behind.Image != place.Image)
                throw at.Refusal($"branches[{b}]", $"leads from {place.Pixels} pixels to {behind.Pixels}; parallel networks keep them");
            int end = behind.Width;
            if (width >= 0 && end != width)
                throw at.Refusal("branches", $"emit {width} and {end} values; they must be equally wide");
            width = end;
        }
        if (width == 0)
            throw at.Refusal("branches", "emit nothing");
    }

    internal override int[] Known(int[] known, LayerPlace place, WeightScope weights)
    {
        int[][] branches = [.. Branches.Select((layers, b) => Known(layers, $"branch{b}", known, place, weights))];
        return [.. Enumerable.Range(0, branches[0].Length * branches.Length).Select(unit => branches[unit % branches.Length][unit / branches.Length])];
    }

    internal override LayerPlace After(LayerPlace place) =>
        place.Wide((long)Branches[0].Aggregate(place, (end, layer) => layer.After(end)).Width * Branches.Length);

    internal override Node Compile(NetworkCompiler network, Node h, WeightScope weights, int[]? order)
    {
        h.Shared = true;
        var branches = new Node[Branches.Length];
        for (int b = 0; b < branches.Length; b++)
            branches[b] = network.Layers(Branches[b], $"branch{b}", h, weights,
                order is null ? null : [.. order.Where(unit => unit % branches.Length == b).Select(unit => unit / branches.Length)]);
        return network.Parallel(branches);
    }
}

/// <summary>[a_0, b_0, a_1, b_1, ...] with a and b the units, or channels, of the branches, all equally wide.</summary>
public sealed class ParallelLayer : Layer
{
    private readonly ModuleList<Layer>[] branches;

    internal ParallelLayer(ParallelLayerSpec spec, LayerPlace place) : base(nameof(ParallelLayer))
    {
        branches = new ModuleList<Layer>[spec.Branches.Length];
        for (int b = 0; b < branches.Length; b++)
        {
            LayerPlace end = place;
            branches[b] = Network.BuildLayers(spec.Branches[b], ref end);
            register_module($"branch{b}", branches[b]);
        }
    }

    public override Tensor Forward(Tensor h, Tensor? context)
    {
        using var scope = NewDisposeScope();
        var outputs = new Tensor[branches.Length];
        for (int b = 0; b < branches.Length; b++)
        {
            outputs[b] = h;
            foreach (Layer layer in branches[b])
                outputs[b] = layer.Forward(outputs[b], context);
        }
        return stack(outputs, 2).flatten(1, 2).MoveToOuterDisposeScope();
    }
}

/// <summary>So many zeros, whatever comes in: the branch of a parameter that the model does not have.</summary>
public sealed record ZerosLayerSpec : LayerSpec
{
    public required int Width { get; init; }

    internal override bool NeedsUnits => false;

    internal override void Check(SpecScope at, LayerPlace place) => at.Width("width", Width, place.Pixels);

    internal override int[] Known(int[] known, LayerPlace place, WeightScope weights) => new int[Width];

    internal override LayerPlace After(LayerPlace place) => place.Wide(Width);

    internal override Node Compile(NetworkCompiler network, Node h, WeightScope weights, int[]? order) => network.Zeros(h, Width);
}

/// <summary>0.</summary>
public sealed class ZerosLayer(ZerosLayerSpec spec) : Layer(nameof(ZerosLayer))
{
    public override Tensor Forward(Tensor h, Tensor? context) =>
        zeros([h.shape[0], spec.Width, .. h.shape[2..]], h.dtype, h.device);
}
