using FlowCore.Engines.Compiled.Formulas;
using FlowCore.Engines.Compiled.Kernels;
using FlowCore.Engines.Compiled.Steps;

namespace FlowCore.Engines.Compiled.Network;

/// <summary>A linear layer or a convolution, and what was folded into it.</summary>
internal sealed class LinearNode : Node
{
    /// <summary>[outputs, inputs] in the order of the units.</summary>
    public required Formula Matrix { get; set; }

    public required Formula Bias { get; set; }

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
        int[] matrix = new int[count * order.Length], bias = new int[count];
        Array.Fill(matrix, -1);
        Array.Fill(bias, -1);
        foreach (int unit in units)
        {
            int row = Columns[unit] - first;
            bias[row] = unit;
            for (int k = 0; k < order.Length; k++)
                matrix[row * order.Length + k] = unit * order.Length + order[k];
        }
        return new(Matrix.Pick(matrix), Bias.Pick(bias), [.. order.Select(k => Index[k])]);
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
