using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using FlowCore.Engines.Compiled.Kernels;

namespace FlowCore.Engines.Compiled.Steps;

/// <summary>A linear map of every row, or of every pixel of every row: a linear layer, a convolution, an affine bijection.</summary>
internal sealed class LinearOperation : Operation
{
    public required LinearWeights Weights { get; init; }

    public required Region Input { get; init; }

    /// <summary>Where each pixel's inputs are counted from, within a row; one 0 for a vector.</summary>
    public required int[] InputPixels { get; init; }

    public required Region Output { get; init; }

    public required int[] OutputPixels { get; init; }

    /// <summary>What is added to the outputs, at the same places; null for nothing.</summary>
    public Region? Residual { get; init; }

    public int[]? ResidualPixels { get; init; }

    /// <summary>max(0, v) after all.</summary>
    public bool Rectify { get; init; }

    /// <summary>The slope below 0, where that is not 1: max(slope v, v).</summary>
    public double Slope { get; init; } = 1;

    /// <summary>Whether no place behind the last output may be touched.</summary>
    public bool Exact { get; init; }

    public override IEnumerable<Region> Regions => Residual is null ? [Input, Output] : [Input, Output, Residual];

    public override Step<T> Lower<T>(Lowering<T> to) => Vector512.IsHardwareAccelerated
        ? new LinearStep<T, Lanes512<T>, N12>(this, to)
        : new LinearStep<T, Lanes256<T>, N6>(this, to);
}

/// <summary>Blocks of up to <typeparamref name="TMost"/> rows, panel by panel: a panel stays in the first-level cache for a group of blocks.</summary>
internal sealed unsafe class LinearStep<T, V, TMost> : Step<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where V : unmanaged, ILanes<V, T>
    where TMost : INumber
{
    private const int GroupRows = 48;

    private readonly PackedLinear<T> weights;
    private readonly long input, output, residual;
    private readonly int[] inputRows, outputRows;
    private readonly int[]? residualRows;
    private readonly int pixels;
    private readonly T slope, floor;
    private readonly bool exact, finishes;

    public LinearStep(LinearOperation operation, Lowering<T> to)
    {
        weights = to.Pack(operation.Weights);
        (input, output, residual) = (operation.Input.Offset, operation.Output.Offset, operation.Residual?.Offset ?? 0);
        inputRows = to.Rows(operation.Input, operation.InputPixels);
        outputRows = to.Rows(operation.Output, operation.OutputPixels);
        residualRows = operation.Residual is { } region ? to.Rows(region, operation.ResidualPixels!) : null;
        pixels = operation.InputPixels.Length;
        slope = T.CreateTruncating(operation.Slope);
        floor = operation.Rectify ? T.Zero : T.NegativeInfinity;
        exact = operation.Exact;
        Debug.Assert(operation.OutputPixels.Length == pixels && (residualRows is null || operation.ResidualPixels!.Length == pixels), "A pixel comes out for each that goes in.");
        foreach (ref readonly Panel panel in weights.Panels)
        {
            int[] index = operation.Weights.Index;
            Debug.Assert(panel.Depth == 0 || operation.InputPixels.Min() + index.Min() >= 0 && operation.InputPixels.Max() + index.Max() < operation.Input.Width, "All inputs lie within a row.");
            int end = panel.First + (exact ? panel.Columns : panel.Vectors * V.Count);
            Debug.Assert(operation.OutputPixels.Min() >= 0 && operation.OutputPixels.Max() + end <= operation.Output.Width, "Whole vectors of outputs lie within a row.");
            Debug.Assert(operation.Residual is not { } added || operation.ResidualPixels!.Max() + panel.First + panel.Columns <= added.Width, "What is added lies within a row.");
        }
        // A residual comes in between.
        finishes = residualRows is not null;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(in Tile<T> tile)
    {
        var block = new Block<T> { Input = tile.At(input), Output = tile.At(output), Slope = finishes ? T.One : slope, Floor = finishes ? T.NegativeInfinity : floor };
        int rows = tile.Rows * pixels;
        Debug.Assert(rows <= inputRows.Length && rows <= outputRows.Length, "The program was laid out for as many rows.");
        T* packed = weights.Weights;
        int* indices = weights.Indices;
        for (int first = 0; first < rows; first += GroupRows)
            foreach (ref readonly Panel panel in weights.Panels)
            {
                int end = Math.Min(rows, first + GroupRows);
                Run(block, panel, packed, indices, first, end);
                if (finishes)
                    Finish(tile, panel, first, end);
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Run(Block<T> block, in Panel panel, T* packed, int* indices, int first, int end)
    {
        block.Weights = packed + panel.Weights;
        block.Bias = packed + panel.Bias;
        block.Depth = panel.Depth;
        block.Index = panel.Index < 0 ? null : indices + panel.Index;
        block.Input += panel.Start;
        block.Output += panel.First;
        bool cut = exact && panel.Columns < panel.Vectors * V.Count;
        while (first < end)
        {
            int left = end - first;
            int taken = left >= TMost.Value ? TMost.Value : left >= 6 ? 6 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
            block.InputRows = At(inputRows, first);
            block.OutputRows = At(outputRows, first);
            if (cut)
                Cut(block, panel, taken);
            else
                Dispatch(block, panel.Vectors, taken);
            first += taken;
        }
    }

    /// <summary>Adds the residual and applies the nonlinearity, while the results are still in the first-level cache.</summary>
    private void Finish(in Tile<T> tile, in Panel panel, int first, int end)
    {
        Vector512<T> slopes = Vector512.Create(slope), floors = Vector512.Create(floor);
        for (int row = first; row < end; row++)
        {
            T* values = tile.At(output) + outputRows[row] + panel.First;
            T* added = residualRows is null ? null : tile.At(residual) + residualRows[row] + panel.First;
            int i = 0;
            for (; i <= panel.Columns - Vector512<T>.Count; i += Vector512<T>.Count)
                Finished(values + i, added is null ? null : added + i, slopes, floors).Store(values + i);
            if (i == panel.Columns)
                continue;
            Vector512<T> last = Finished(values + i, added is null ? null : added + i, slopes, floors);
            for (int lane = 0; i + lane < panel.Columns; lane++)
                values[i + lane] = last[lane];
        }
    }

    private static Vector512<T> Finished(T* value, T* added, Vector512<T> slopes, Vector512<T> floors)
    {
        Vector512<T> sum = Vector512.Load(value);
        if (added is not null)
            sum += Vector512.Load(added);
        return VectorMath.Larger(floors, VectorMath.Larger(sum * slopes, sum));
    }

    /// <summary>Computes into a place beside, and copies the columns that there are.</summary>
    private static void Cut(Block<T> block, in Panel panel, int rows)
    {
        int stride = panel.Vectors * V.Count;
        T* beside = stackalloc T[12 * stride];
        int* besideRows = stackalloc int[12];
        for (int row = 0; row < rows; row++)
            besideRows[row] = row * stride;
        T* output = block.Output;
        int* outputRows = block.OutputRows;
        block.Output = beside;
        block.OutputRows = besideRows;
        Dispatch(block, panel.Vectors, rows);
        for (int row = 0; row < rows; row++)
            new ReadOnlySpan<T>(beside + row * stride, panel.Columns).CopyTo(new Span<T>(output + outputRows[row], panel.Columns));
    }

    private static void Dispatch(in Block<T> block, int vectors, int rows)
    {
        if (vectors == 1)
            Dispatch<N1>(block, rows);
        else
            Dispatch<N2>(block, rows);
    }

    private static void Dispatch<TVectors>(in Block<T> block, int rows)
        where TVectors : INumber
    {
        if (block.Index is null)
            Dispatch<TVectors, N1>(block, rows);
        else
            Dispatch<TVectors, N2>(block, rows);
    }

    private static void Dispatch<TVectors, TIndexed>(in Block<T> block, int rows)
        where TVectors : INumber
        where TIndexed : INumber
    {
        switch (rows)
        {
            case 12:
                LinearKernel<T, V>.Run<N12, TVectors, TIndexed>(block);
                break;
            case 6:
                LinearKernel<T, V>.Run<N6, TVectors, TIndexed>(block);
                break;
            case 4:
                LinearKernel<T, V>.Run<N4, TVectors, TIndexed>(block);
                break;
            case 2:
                LinearKernel<T, V>.Run<N2, TVectors, TIndexed>(block);
                break;
            default:
                LinearKernel<T, V>.Run<N1, TVectors, TIndexed>(block);
                break;
        }
    }

    private static int* At(int[] pinned, int first) => (int*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(pinned)) + first;
}
