using FlowCore.Engines.Compiled.Kernels;
using FlowCore.Engines.Compiled.Steps;

namespace FlowCore.Engines.Compiled;

/// <summary>
/// What a layer of a conditioner gives: units (of every pixel) in a region. In an autoregressive network a unit is ready for a pass
/// when all that it depends on is known; a pass computes only the units that have become ready.
/// </summary>
internal abstract class Node
{
    protected const int Always = -1;

    public required Region Region { get; init; }

    /// <summary>The column of each unit, counted from its pixel.</summary>
    public required int[] Columns { get; init; }

    /// <summary>Where each pixel begins in a row; one 0 for a vector.</summary>
    public int[] Pixels { get; init; } = [0];

    /// <summary>Height and width of an image.</summary>
    public (int Height, int Width) Image { get; init; } = (1, 1);

    /// <summary>The first pass for which each unit is known; null where all are from the start.</summary>
    public int[]? Ready { get; init; }

    /// <summary>Whether more than one layer reads it, so that nothing may be folded into it.</summary>
    public bool Shared { get; set; }

    public int Units => Columns.Length;

    /// <summary>Where a unit stands: in the region, but for parallel branches.</summary>
    public virtual Place At(int unit, int pixel) => new(Region, Pixels[pixel] + Columns[unit]);

    /// <summary>The operations that compute all units.</summary>
    public abstract IEnumerable<Operation> All();

    /// <summary>The operations that compute the units that have become ready for a pass.</summary>
    public IEnumerable<Operation> Pass(int pass)
    {
        int[] units = Ready is null
            ? pass == 0 ? [.. Enumerable.Range(0, Units)] : []
            : [.. Enumerable.Range(0, Units).Where(unit => Ready[unit] == pass)];
        return units.Length == 0 ? [] : Of(units);
    }

    /// <summary>The operations that compute these units of a vector.</summary>
    protected abstract IEnumerable<Operation> Of(int[] units);

    /// <summary>The columns from the first to the last of some units: what lies between is computed again, to the same values.</summary>
    protected (int First, int Count) Range(int[] units)
    {
        int first = units.Min(unit => Columns[unit]);
        return (first, units.Max(unit => Columns[unit]) - first + 1);
    }
}

/// <summary>Values that stand somewhere already: features, the context.</summary>
internal sealed class InputNode : Node
{
    public override IEnumerable<Operation> All() => [];

    protected override IEnumerable<Operation> Of(int[] units) => [];
}

/// <summary>Branches whose units take turns: unit i of branch b is unit i B + b.</summary>
internal sealed class ParallelNode : Node
{
    public required Node[] Branches { get; init; }

    public override Place At(int unit, int pixel) => Branches[unit % Branches.Length].At(unit / Branches.Length, pixel);

    public override IEnumerable<Operation> All() => [];

    protected override IEnumerable<Operation> Of(int[] units) => [];
}

/// <summary>Other nodes' values side by side in a region of its own, with fixed values around where there is a border.</summary>
internal sealed class CopyNode : Node
{
    /// <summary>The places that each unit comes from, pixel by pixel; null for a fixed value.</summary>
    public required Place?[][] From { get; init; }

    public IReadOnlyList<int> BorderPlaces { get; init; } = [];

    public double Border { get; init; }

    public override IEnumerable<Operation> All()
    {
        if (BorderPlaces.Count > 0)
            yield return new FillOperation(Region, BorderPlaces, [.. BorderPlaces.Select(_ => Border)]);
        foreach (Operation operation in Of([.. Enumerable.Range(0, Units)]))
            yield return operation;
    }

    protected override IEnumerable<Operation> Of(int[] units)
    {
        var pairs = new List<(Place From, int To)>();
        for (int pixel = 0; pixel < Pixels.Length; pixel++)
            foreach (int unit in units)
                if (From[unit][pixel] is { } place)
                    pairs.Add((place, Pixels[pixel] + Columns[unit]));
        foreach (var group in pairs.GroupBy(pair => pair.From.Region))
            yield return new CopyOperation(group.Key, [.. group.Select(pair => pair.From.Offset)], Region, [.. group.Select(pair => pair.To)]);
        int[] zeros = [.. from pixel in Enumerable.Range(0, Pixels.Length) from unit in units where From[unit][pixel] is null select Pixels[pixel] + Columns[unit]];
        if (zeros.Length > 0)
            yield return new FillOperation(Region, zeros, new double[zeros.Length]);
    }
}

/// <summary>A linear layer or a convolution, and what was folded into it.</summary>
internal sealed class LinearNode : Node
{
    /// <summary>[outputs, inputs] in the order of the units.</summary>
    public required double[,] Matrix { get; init; }

    public required double[] Bias { get; init; }

    /// <summary>Where each input stands, counted from its pixel in <see cref="InputPixels"/>.</summary>
    public required int[] Index { get; init; }

    public required Region Input { get; init; }

    public required int[] InputPixels { get; init; }

    public Node? Residual { get; set; }

    public bool Rectified { get; set; }

    public double Slope { get; set; } = 1;

    /// <summary>Whether a nonlinearity stands behind it already.</summary>
    public bool IsActivated => Rectified || Slope != 1;

    private LinearWeights? all;

    public override IEnumerable<Operation> All()
    {
        all ??= Weights(Enumerable.Range(0, Units), 0, Columns.Max() + 1);
        return [Operation(all, 0, exact: false)];
    }

    protected override IEnumerable<Operation> Of(int[] units)
    {
        var (first, count) = Range(units);
        var covered = Enumerable.Range(0, Units).Where(unit => Columns[unit] >= first && Columns[unit] < first + count);
        return [Operation(Weights(covered, first, count), first, exact: true)];
    }

    private LinearWeights Weights(IEnumerable<int> units, int first, int count)
    {
        int[] order = [.. Enumerable.Range(0, Index.Length).OrderBy(k => Index[k])];
        var matrix = new double[count, Index.Length];
        var bias = new double[count];
        foreach (int unit in units)
        {
            int row = Columns[unit] - first;
            bias[row] = Bias[unit];
            for (int k = 0; k < order.Length; k++)
                matrix[row, k] = Matrix[unit, order[k]];
        }
        return new(matrix, bias, [.. order.Select(k => Index[k])]);
    }

    private LinearOperation Operation(LinearWeights weights, int first, bool exact) => new()
    {
        Weights = weights,
        Input = Input,
        InputPixels = InputPixels,
        Output = Region,
        OutputPixels = [.. Pixels.Select(pixel => pixel + first)],
        Residual = Residual?.Region,
        ResidualPixels = Residual is null ? null : [.. Residual.Pixels.Select(pixel => pixel + first)],
        Rectify = Rectified,
        Slope = Slope,
        Exact = exact,
    };
}

/// <summary>A function of each unit.</summary>
internal sealed class MapNode<TMap> : Node
    where TMap : IMap
{
    public required Node Input { get; init; }

    public double Parameter { get; init; }

    public override IEnumerable<Operation> All() => [new MapOperation<TMap>(Input.Region, Region, 0, Region.Width, Parameter)];

    protected override IEnumerable<Operation> Of(int[] units)
    {
        var (first, count) = Range(units);
        return [new MapOperation<TMap>(Input.Region, Region, first, count, Parameter)];
    }
}

/// <summary>A function of two nodes of one layout, unit by unit.</summary>
internal sealed class Map2Node<TMap> : Node
    where TMap : IMap2
{
    public required Node A { get; init; }

    public required Node B { get; init; }

    public override IEnumerable<Operation> All() => [new Map2Operation<TMap>(A.Region, B.Region, Region, 0, Region.Width)];

    protected override IEnumerable<Operation> Of(int[] units)
    {
        var (first, count) = Range(units);
        return [new Map2Operation<TMap>(A.Region, B.Region, Region, first, count)];
    }
}

/// <summary>(v - before) factor + after, unit by unit.</summary>
internal sealed class ScaleNode : Node
{
    public required Node Input { get; init; }

    public required AffineMap Map { get; init; }

    public override IEnumerable<Operation> All() => Of([.. Enumerable.Range(0, Units)]);

    protected override IEnumerable<Operation> Of(int[] units)
    {
        int[] sorted = [.. units.OrderBy(unit => Columns[unit])];
        var each = (from pixel in Enumerable.Range(0, Pixels.Length) from unit in sorted select (pixel, unit)).ToArray();
        return [new ScaleOperation(
            Input.Region, [.. each.Select(at => Input.Pixels[at.pixel] + Input.Columns[at.unit])],
            Region, [.. each.Select(at => Pixels[at.pixel] + Columns[at.unit])],
            [.. each.Select(at => Map.Before[at.unit])], [.. each.Select(at => Map.Diagonal![at.unit])], [.. each.Select(at => Map.After[at.unit])])];
    }
}

/// <summary>Layer normalisation of a vector.</summary>
internal sealed class NormNode : Node
{
    public required Node Input { get; init; }

    public required double Epsilon { get; init; }

    public override IEnumerable<Operation> All() => [new NormOperation(Input.Region, Region, Units, Epsilon)];

    protected override IEnumerable<Operation> Of(int[] units) => All();
}
