using FlowCore.Conditioners;
using FlowCore.Engines.Compiled.Formulas;
using FlowCore.Engines.Compiled.Steps;

namespace FlowCore.Engines.Compiled.Network;

/// <summary>From a conditioner's layers to nodes: each layer says how, by what this class offers.</summary>
internal sealed partial class NetworkCompiler(Node? context)
{
    private readonly List<Node> nodes = [];

    /// <summary>The encoded context; null where there is none.</summary>
    public Node? Context => context;

    public IEnumerable<Operation> All() => nodes.SelectMany(node => node.All());

    public IEnumerable<Operation> Pass(int pass) => nodes.SelectMany(node => node.Pass(pass));

    /// <summary>Layers in order; <paramref name="order"/> is the order in which the last units shall stand, where that matters.</summary>
    public Node Layers(LayerSpec[] specs, string list, Node h, WeightScope weights, int[]? order)
    {
        for (int i = 0; i < specs.Length; i++)
        {
            bool last = specs.Skip(i + 1).All(spec => spec.KeepsUnits);
            h = specs[i].Compile(this, h, weights.In(list, i), last ? order : null);
        }
        return h;
    }

    /// <summary>A node's units in the order in which they stand.</summary>
    public static int[] OrderOf(Node h) => [.. Enumerable.Range(0, h.Units).OrderBy(unit => h.Columns[unit])];

    /// <summary>W h + b, with the columns of W in the order of h's units.</summary>
    public Node Linear(Node h, Formula matrix, Formula bias, int[]? order)
    {
        if (h is ParallelNode)
            h = Copied(h);
        int outputs = bias.Count;
        int[]? ready = h.Ready is null ? null : [.. Enumerable.Range(0, outputs).Select(unit => ReadyOf(matrix, unit, h.Ready))];
        return Add(new LinearNode
        {
            Region = new Region(outputs),
            Columns = ColumnsOf(order ?? Sorted(outputs, ready)),
            Ready = ready,
            Matrix = matrix,
            Bias = bias,
            Index = h.Columns,
            Input = h.Region,
            InputPixels = h.Pixels,
        });
    }

    /// <summary>f(h), folded into the linear layer that it stands behind where the kernel can do it.</summary>
    public Node Rectified(Node h, double slope)
    {
        if (h is LinearNode { Shared: false, IsActivated: false } linear)
        {
            (linear.Rectified, linear.Slope) = (slope == 0, slope == 0 ? 1 : slope);
            return linear;
        }
        return slope == 0 ? Map<Rectifier>(h) : Map<LeakyRectifier>(h, slope);
    }

    public Node Map<TMap>(Node h, double parameter = 0)
        where TMap : IMap
    {
        h = Owned(h);
        return Add(new MapNode<TMap> { Region = new Region(h.Region.Width), Columns = h.Columns, Pixels = h.Pixels, Image = h.Image, Ready = h.Ready, Input = h, Parameter = parameter });
    }

    /// <summary>f(a, b), unit by unit.</summary>
    public Node Map2<TMap>(Node a, Node b)
        where TMap : IMap2
    {
        a = Owned(a);
        b = b.Columns.AsSpan().SequenceEqual(a.Columns) && b.Pixels.AsSpan().SequenceEqual(a.Pixels) && b is not (InputNode or ParallelNode) ? b : Copied(b, a);
        return Add(new Map2Node<TMap> { Region = new Region(a.Region.Width), Columns = a.Columns, Pixels = a.Pixels, Image = a.Image, Ready = Later(a.Ready, b.Ready), A = a, B = b });
    }

    /// <summary>h + update: by the update's own kernel where it ends in a linear layer.</summary>
    public Node Sum(Node h, Node update)
    {
        if (update is LinearNode { Shared: false, IsActivated: false, Residual: null } linear && linear.Columns.AsSpan().SequenceEqual(h.Columns)
            && linear.Pixels.AsSpan().SequenceEqual(h.Pixels) && h is not (InputNode or ParallelNode) && Later(h.Ready, linear.Ready).AsSpan().SequenceEqual(linear.Ready))
        {
            linear.Residual = h;
            return linear;
        }
        return Map2<Sum>(h, update);
    }

    /// <summary>A diagonal affine map of the units, folded into the linear layer that it stands behind where there is one.</summary>
    public Node Scaled(Node h, AffineMap map)
    {
        if (!map.Learns && h is LinearNode { Shared: false, IsActivated: false, Residual: null, Matrix.Learns: false } linear)
        {
            int inputs = linear.Index.Length;
            linear.Matrix *= map.Diagonal!.Pick([.. Enumerable.Range(0, linear.Matrix.Count).Select(i => i / inputs)]);
            linear.Bias = (linear.Bias - map.Before) * map.Diagonal! + map.After;
            return linear;
        }
        if (!map.Learns && h is ShiftedSumNode { Shared: false, Input.Matrix.Learns: false } sum)
        {
            sum.Scale(map);
            return sum;
        }
        h = Owned(h);
        return Add(new ScaleNode { Region = new Region(h.Region.Width), Columns = h.Columns, Pixels = h.Pixels, Image = h.Image, Ready = h.Ready, Input = h, Map = map });
    }

    public Node Normalized(Node h, double epsilon)
    {
        h = Owned(h);
        int[]? ready = h.Ready is null ? null : [.. Enumerable.Repeat(h.Ready.Max(), h.Units)];
        return Add(new NormNode { Region = new Region(h.Region.Width), Columns = h.Columns, Ready = ready, Input = h, Epsilon = epsilon });
    }

    /// <summary>[a, b]: the units of two nodes.</summary>
    public Node Concat(Node a, Node b)
    {
        int[]? ready = a.Ready is null && b.Ready is null ? null : [.. a.Ready ?? new int[a.Units], .. b.Ready ?? new int[b.Units]];
        int units = a.Units + b.Units, stride = Places.PixelStride([units]);
        int[] pixels = [.. Enumerable.Range(0, a.Pixels.Length).Select(pixel => pixel * stride)];
        return Add(new CopyNode
        {
            Region = new Region(stride * pixels.Length),
            Columns = ColumnsOf(Sorted(units, ready)),
            Pixels = pixels,
            Image = a.Image,
            Ready = ready,
            From = [.. Enumerable.Range(0, units).Select(unit => Enumerable.Range(0, pixels.Length)
                .Select(pixel => (Place?)(unit < a.Units ? a.At(unit, pixel) : b.At(unit - a.Units, pixel))).ToArray())],
        });
    }

    /// <summary>The values of an image as a vector, channel by channel.</summary>
    public Node Flattened(Node h)
    {
        int pixels = h.Pixels.Length;
        return Add(new CopyNode
        {
            Region = new Region(h.Units * pixels),
            Columns = [.. Enumerable.Range(0, h.Units * pixels)],
            From = [.. Enumerable.Range(0, h.Units * pixels).Select(i => new Place?[] { h.At(i / pixels, i % pixels) })],
        });
    }

    public Node Parallel(Node[] branches) => Add(new ParallelNode
    {
        Region = branches[0].Region,
        Columns = [.. Enumerable.Range(0, branches.Sum(branch => branch.Units))],
        Pixels = branches[0].Pixels,
        Image = branches[0].Image,
        Ready = branches.All(branch => branch.Ready is null)
            ? null
            : [.. Enumerable.Range(0, branches.Sum(branch => branch.Units)).Select(unit => branches[unit % branches.Length].Ready?[unit / branches.Length] ?? 0)],
        Branches = branches,
    });

    /// <summary>A vector's units in their own order, as neighbours from the beginning of a region.</summary>
    public Node InOrder(Node h) => h is not (InputNode or ParallelNode) && h.Columns.SequenceEqual(Enumerable.Range(0, h.Units)) ? h : Copied(h);

    /// <summary>So many units that are 0, laid out over the pixels of another node.</summary>
    public Node Zeros(Node like, int units) => Add(Copy(like, units, (_, _) => null));

    /// <summary>
    /// What stands for the context at the pixels of another node: a view, in which a pixel of the context is read by all pixels of its
    /// block.
    /// </summary>
    public Node At(Node context, Node like)
    {
        if (context.Image == like.Image && context.Pixels.Length == like.Pixels.Length)
            return context;
        if (context is ParallelNode)
            context = Copied(context);
        var (height, width) = like.Image;
        int down = height / context.Image.Height, along = width / context.Image.Width;
        return Add(new InputNode
        {
            Region = context.Region,
            Columns = context.Columns,
            Pixels = [.. Enumerable.Range(0, like.Pixels.Length).Select(pixel => context.Pixels[pixel / width / down * context.Image.Width + pixel % width / along])],
            Image = like.Image,
        });
    }

    /// <summary>Places as the input of a network; absent ones are 0.</summary>
    public Node Input(int[] sizes, Place?[] values, int[]? ready)
    {
        int pixels = sizes.Length == 3 ? sizes[1] * sizes[2] : 1;
        (int, int) image = sizes.Length == 3 ? (sizes[1], sizes[2]) : (1, 1);
        if (values.All(value => value is not null) && values.Length > 0
            && new Places(sizes, [.. values.Select(value => value!.Value)]) is { Region: { } region } places && places.Grid() is var (at, channels))
            return Add(new InputNode { Region = region, Columns = channels, Pixels = at, Image = image, Ready = ready });
        var shape = new InputNode { Region = new Region(0), Columns = [.. Enumerable.Range(0, sizes[0])], Pixels = new int[pixels], Image = image, Ready = ready };
        return Add(Copy(shape, sizes[0], (unit, pixel) => values[unit * pixels + pixel]));
    }

    /// <summary>A node of its own region, dense, so that whole vectors of it may be computed.</summary>
    private Node Owned(Node h) => h is InputNode or ParallelNode ? Copied(h) : h;

    private Node Copied(Node h, Node? layout = null) => Add(Copy(layout ?? h, h.Units, (unit, pixel) => h.At(unit, pixel), layout?.Columns));

    private static CopyNode Copy(Node like, int units, Func<int, int, Place?> from, int[]? columns = null)
    {
        int stride = Places.PixelStride([units]);
        int[] pixels = columns is null ? [.. Enumerable.Range(0, like.Pixels.Length).Select(pixel => pixel * stride)] : like.Pixels;
        int[]? ready = like.Ready?.Length == units ? like.Ready : null;
        return new()
        {
            Region = columns is null ? new Region(stride * pixels.Length) : new Region(like.Region.Width),
            Columns = columns ?? ColumnsOf(Sorted(units, ready)),
            Pixels = pixels,
            Image = like.Image,
            Ready = ready,
            From = [.. Enumerable.Range(0, units).Select(unit => Enumerable.Range(0, pixels.Length).Select(pixel => from(unit, pixel)).ToArray())],
        };
    }

    private Node Add(Node node)
    {
        nodes.Add(node);
        return node;
    }

    private static int ReadyOf(Formula matrix, int unit, int[] inputs)
    {
        int ready = 0;
        for (int k = 0; k < inputs.Length; k++)
            if (!matrix.IsZero(unit * inputs.Length + k))
                ready = Math.Max(ready, inputs[k]);
        return ready;
    }

    private static int[]? Later(int[]? a, int[]? b) => a is null ? b : b is null ? a : [.. a.Zip(b, Math.Max)];

    /// <summary>Units in the order in which they become ready, so that a pass computes neighbours.</summary>
    private static int[] Sorted(int units, int[]? ready) => [.. Enumerable.Range(0, units).OrderBy(unit => ready?[unit] ?? 0)];

    private static int[] ColumnsOf(int[] order)
    {
        var columns = new int[order.Length];
        for (int i = 0; i < order.Length; i++)
            columns[order[i]] = i;
        return columns;
    }
}
