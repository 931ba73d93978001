using FlowCore.Bijections.Elements;
using FlowCore.Engines.Compiled.Formulas;
using FlowCore.Engines.Compiled.Kernels;
using FlowCore.Engines.Compiled.Network;
using FlowCore.Engines.Compiled.Steps;

namespace FlowCore.Engines.Compiled;

/// <summary>
/// Writes one direction of a flow as a program: each bijection says how it compiles by what this class offers. Affine maps wait, and
/// are multiplied together in float64, until something reads the values; permutations and shapes only rename places.
/// </summary>
internal sealed class FlowCompiler(Region logDet)
{
    // Above this a shift is subtracted first rather than folded into the bias: it would cost float32 its digits.
    private const double LargestFoldedShift = 4;

    private readonly List<Operation> operations = [];
    private Places values = new([0], []);
    private AffineMap? waiting;

    public IEnumerable<Operation> Operations => operations;

    /// <summary>What the networks are conditioned on at this place of the flow; null for nothing.</summary>
    public Node? Context { get; set; }

    /// <summary>The sum of the log-determinants that do not depend on the values, in nats.</summary>
    public Formula ConstantLogDet { get; private set; } = Formula.Fixed(0);

    /// <summary>Where the values are, all waiting maps done. Setting it renames places.</summary>
    public Places Values
    {
        get
        {
            Flush();
            return values;
        }
        set
        {
            Flush();
            values = value;
        }
    }

    /// <summary>Applies a map of the channels at every pixel, or its inverse; the log-determinant is the map's, at one pixel.</summary>
    public void Affine(AffineMap map, Formula logDet, bool inverse)
    {
        ConstantLogDet += logDet * (inverse ? -values.Pixels : values.Pixels);
        if (inverse)
            map = map.Inverse();
        // What is learned is computed anew at each step of a training: two small maps of rows are less work than a product of matrices.
        if (waiting is not null && (waiting.Size != map.Size || waiting.Learns || map.Learns))
            Flush();
        waiting = waiting?.Then(map) ?? map;
    }

    /// <summary>Applies an element without parameters to every value.</summary>
    public void Element(ICompiledElement element, bool inverse, EventShape shape) =>
        Element(element, inverse, [.. Enumerable.Range(0, shape.Width)], []);

    /// <summary>Applies an element to the values of these indices (in the logical order), its parameters being found where a list says.</summary>
    public void Element(ICompiledElement element, bool inverse, int[] indices, ParameterPlace[] parameters)
    {
        Places at = InOneRegion();
        operations.Add(new ElementOperation
        {
            Element = element,
            Inverse = inverse,
            Values = at.Region!,
            Places = [.. indices.Select(i => at.Values[i].Offset)],
            Parameters = parameters,
            LogDet = logDet,
        });
    }

    /// <summary>A network, and the node of its outputs; its operations are to be added by <see cref="Add"/>.</summary>
    public (NetworkCompiler Network, Node Output) Network(
        ConditionerSpec spec, int[] sizes, Place?[] inputs, int outputs, WeightScope weights, int[]? order = null, int[]? ready = null)
    {
        var network = new NetworkCompiler(Context);
        Node output = network.Layers(spec.Layers(outputs), "layers", network.Input(sizes, inputs, ready), weights, order);
        return (network, output);
    }

    /// <summary>What layers make of values that stand somewhere, for several networks to read; its operations are added.</summary>
    public Node Encoded(LayerSpec[] layers, int[] sizes, Place?[] inputs, WeightScope weights)
    {
        var network = new NetworkCompiler(Context);
        Node output = network.Layers(layers, "layers", network.Input(sizes, inputs, null), weights, null);
        output.Shared = true;
        Add(network.All());
        return output;
    }

    public void Add(IEnumerable<Operation> more) => operations.AddRange(more);

    /// <summary>Where the values are, after they were brought into one region where they stood in several.</summary>
    public Places InOneRegion()
    {
        Flush();
        if (values.Region is null)
            values = Copied(values);
        return values;
    }

    private void Flush()
    {
        if (waiting is not { } map)
            return;
        waiting = null;
        if (map.IsIdentity)
            return;
        if (values.Grid() is null)
            values = Copied(values);
        if (map.Matrix is null)
            values = Scaled(map.Before, map.Diagonal!, map.After);
        else if (map.Order() is { } order)
            values = values.Select(values.Sizes, from channel in order from pixel in Enumerable.Range(0, values.Pixels) select channel * values.Pixels + pixel);
        else
            Multiply(map);
    }

    private void Multiply(AffineMap map)
    {
        Formula bias = map.After;
        if (map.Before.Learns || map.Before.Values.Any(value => value != 0))
        {
            Formula shift = Formula.Product(map.Matrix!, map.Before);
            if (map.Learns || shift.Values.Any(value => Math.Abs(value) > LargestFoldedShift))
                values = Scaled(map.Before, Formula.Repeated(1, map.Size), Formula.Repeated(0, map.Size));
            else
                bias -= shift;
        }
        Places from = values, to = Places.Fresh(values.Sizes);
        var (inputPixels, channels) = from.Grid()!.Value;
        int[] order = [.. Enumerable.Range(0, channels.Length).OrderBy(k => channels[k])];
        Formula matrix = map.Matrix!.Pick([.. from row in Enumerable.Range(0, map.Size) from k in order select row * map.Size + k]);
        operations.Add(new LinearOperation
        {
            Weights = new LinearWeights(matrix, bias, [.. order.Select(k => channels[k])]),
            Input = from.Region!,
            InputPixels = inputPixels,
            Output = to.Region!,
            OutputPixels = to.Grid()!.Value.Pixels,
        });
        values = to;
    }

    private Places Scaled(Formula before, Formula factor, Formula after)
    {
        int pixels = values.Pixels;
        Places to = Places.Fresh(values.Sizes);
        // Pixel by pixel: the channels are neighbours there.
        int[] order = [.. Enumerable.Range(0, values.Values.Length).Select(i => i % values.Channels * pixels + i / values.Channels)];
        Formula Each(Formula channels) => channels.Pick([.. order.Select(i => i / pixels)]);
        operations.Add(new ScaleOperation(
            values.Region!, [.. order.Select(i => values.Values[i].Offset)], to.Region!, [.. order.Select(i => to.Values[i].Offset)], Each(before), Each(factor), Each(after)));
        return to;
    }

    private Places Copied(Places from)
    {
        Places to = Places.Fresh(from.Sizes);
        foreach (var group in Enumerable.Range(0, from.Values.Length).OrderBy(i => to.Values[i].Offset).GroupBy(i => from.Values[i].Region))
            operations.Add(new CopyOperation(group.Key, [.. group.Select(i => from.Values[i].Offset)], to.Region!, [.. group.Select(i => to.Values[i].Offset)]));
        return to;
    }
}
