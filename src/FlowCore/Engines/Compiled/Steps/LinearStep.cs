using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using FlowCore.Engines.Compiled.Kernels;

namespace FlowCore.Engines.Compiled.Steps;

/// <summary>A linear map of every row, or of every pixel of every row: a linear layer, a convolution, an affine bijection.</summary>
internal sealed partial class LinearOperation : Operation
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
    private readonly WayBack? back;

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
        back = to.Trains ? new WayBack(operation, to) : null;
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
        block.Line = panel.Vectors * V.Count;
        block.Index = panel.Index < 0 ? null : indices + panel.Index;
        block.Input += panel.Start;
        block.Output += panel.First;
        bool cut = exact && panel.Columns < panel.Vectors * V.Count;
        while (first < end)
        {
            int taken = LinearKernel<T, V>.Taken(end - first, TMost.Value);
            block.InputRows = At(inputRows, first);
            block.OutputRows = At(outputRows, first);
            if (cut)
                Cut(block, panel, taken);
            else
                LinearKernel<T, V>.Dispatch(block, panel.Vectors, taken, adds: false);
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
        LinearKernel<T, V>.Dispatch(block, panel.Vectors, rows, adds: false);
        for (int row = 0; row < rows; row++)
            new ReadOnlySpan<T>(beside + row * stride, panel.Columns).CopyTo(new Span<T>(output + outputRows[row], panel.Columns));
    }

    public override void Refresh(in Tile<T> tile)
    {
        if (back!.Weights is { } turned && (turned.Lines.Learns || turned.Bias.Learns))
            weights.Refresh(turned, turned.Lines.At(tile), turned.Bias.At(tile));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Back(in Tile<T> tile)
    {
        ThroughNonlinearity(tile);
        back!.Run(tile, outputRows, inputRows);
    }

    /// <summary>From the adjoint of what came out to that of the linear map's own results, in its place; the residual's is the same.</summary>
    private void ThroughNonlinearity(in Tile<T> tile)
    {
        bool bends = floor == T.Zero || slope != T.One;
        if (!bends && residualRows is null)
            return;
        Vector512<T> below = Vector512.Create(floor == T.Zero ? T.Zero : slope);
        int rows = tile.Rows * pixels, columns = weights.Outputs;
        for (int row = 0; row < rows; row++)
        {
            T* values = tile.At(output) + outputRows[row], adjoint = tile.At(back!.Output) + outputRows[row];
            T* added = residualRows is null ? null : tile.At(back.Residual!) + residualRows[row];
            int i = 0;
            for (; bends && i < columns; i += Vector512<T>.Count)
                (Vector512.Load(adjoint + i) * VectorMath.Select(
                    Vector512.GreaterThan(Vector512.Load(values + i), Vector512<T>.Zero), Vector512<T>.One, below)).Store(adjoint + i);
            if (added is not null)
                Steps.Run.Add(adjoint, added, columns);
        }
    }

    /// <summary>What a training adds: where the adjoints stand, and the weights as lines of outputs.</summary>
    private sealed class WayBack
    {
        private readonly int[]? inputAdjointRows;
        private readonly GatheredInputs<T>? gathered;
        private readonly Region input, inputAdjoint;
        private readonly int pixels;
        private readonly (InputRun Run, int Column, int Vectors, int First, int End)[] panels;
        private readonly (int Output, int Lines, int Panel)[] blocks;

        public WayBack(LinearOperation operation, Lowering<T> to)
        {
            Weights = new TurnedLinear<T>(operation.Weights, to);
            (input, inputAdjoint, Output, Residual) = (operation.Input, operation.Input.Adjoint, operation.Output.Adjoint, operation.Residual?.Adjoint);
            Debug.Assert(Output.Width == operation.Output.Width && Residual?.Width == operation.Residual?.Width, "Adjoints of what a kernel writes lie as it lies.");
            inputAdjointRows = inputAdjoint.Width == input.Width ? null : to.Rows(inputAdjoint, operation.InputPixels);
            pixels = operation.InputPixels.Length;
            if (Weights.Gathers)
                gathered = new GatheredInputs<T>(Weights.Scattered, Weights.Width, pixels * to.TileRows);
            var found = new List<(InputRun, int, int, int, int)>();
            foreach (InputRun run in Weights.Runs)
                for (int column = 0; column < run.Length; column += 2 * V.Count)
                {
                    int left = run.Length - column, vectors = left > V.Count ? 2 : 1;
                    var (first, end) = Weights.Readers(0, Weights.Outputs, run.Column + column, vectors * V.Count);
                    if (end > first)
                        found.Add((run, column, vectors, first, end));
                }
            panels = [.. found];
            var listed = new List<(int, int, int)>();
            for (int panel = 0; panel < panels.Length; panel++)
                for (int line = panels[panel].First, lines; line < panels[panel].End; line += lines)
                {
                    lines = LinearKernel<T, V>.Taken(panels[panel].End - line, TMost.Value);
                    var (reader, last) = Weights.Readers(line, line + lines, panels[panel].Run.Column + panels[panel].Column, panels[panel].Vectors * V.Count);
                    if (last > reader)
                        listed.Add((line, lines, panel));
                }
            blocks = [.. listed];
        }

        public TurnedLinear<T> Weights { get; }

        public Region Output { get; }

        public Region? Residual { get; }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(in Tile<T> tile, int[] outputRows, int[] inputRows)
        {
            int rows = tile.Rows * pixels;
            T* adjoint = tile.At(Output), values = tile.At(input);
            int* adjointRows = At(outputRows, 0), valueRows = At(inputRows, 0);
            if (Weights.Bias.Learns)
                AddBias(tile, adjoint, adjointRows, rows);
            T* inner = tile.At(inputAdjoint);
            int* innerRows = At(inputAdjointRows ?? inputRows, 0);
            if (gathered is null)
            {
                if (Weights.Lines.Learns)
                    AddLines(tile, adjoint, adjointRows, values, valueRows, rows);
                AddInner(tile, adjoint, adjointRows, inner, innerRows, rows);
                return;
            }
            T* lines = gathered.Memory(rows);
            if (Weights.Lines.Learns)
            {
                gathered.Gather(values, valueRows, rows, tile.Rows * input.Width, lines);
                AddLines(tile, adjoint, adjointRows, lines, gathered.Lines, rows);
            }
            new Span<T>(lines, rows * Weights.Width).Clear();
            AddInner(tile, adjoint, adjointRows, lines, gathered.Lines, rows);
            gathered.Scatter(lines, inner, innerRows, rows, tile.Rows * inputAdjoint.Width);
        }

        private void AddBias(in Tile<T> tile, T* adjoint, int* adjointRows, int rows)
        {
            T* gradient = Weights.Bias.Gradient(tile);
            int output = 0;
            for (; output <= Weights.Outputs - 4 * Vector512<T>.Count; output += 4 * Vector512<T>.Count)
            {
                // The sums stay in registers, row after row.
                T* sums = gradient + output;
                Vector512<T> sum0 = Vector512.Load(sums), sum1 = Vector512.Load(sums + Vector512<T>.Count);
                Vector512<T> sum2 = Vector512.Load(sums + 2 * Vector512<T>.Count), sum3 = Vector512.Load(sums + 3 * Vector512<T>.Count);
                for (int row = 0; row < rows; row++)
                {
                    T* added = adjoint + adjointRows[row] + output;
                    sum0 += Vector512.Load(added);
                    sum1 += Vector512.Load(added + Vector512<T>.Count);
                    sum2 += Vector512.Load(added + 2 * Vector512<T>.Count);
                    sum3 += Vector512.Load(added + 3 * Vector512<T>.Count);
                }
                sum0.Store(sums);
                sum1.Store(sums + Vector512<T>.Count);
                sum2.Store(sums + 2 * Vector512<T>.Count);
                sum3.Store(sums + 3 * Vector512<T>.Count);
            }
            for (int row = 0; output < Weights.Outputs && row < rows; row++)
                Steps.Run.Add(adjoint + adjointRows[row] + output, gradient + output, Weights.Outputs - output);
        }

        // d/dW = adjoint^T in.
        private void AddLines(in Tile<T> tile, T* adjoint, int* adjointRows, T* values, int* valueRows, int rows)
        {
            T* gradient = Weights.Lines.Gradient(tile);
            var block = new OuterBlock<T> { ARows = adjointRows, BRows = valueRows, Depth = rows, Line = Weights.Width };
            foreach (var (output, lines, panel) in blocks)
            {
                var (run, column, vectors, _, _) = panels[panel];
                block.A = adjoint + output;
                block.B = values + run.Place + column;
                block.Sums = gradient + (long)output * Weights.Width + run.Column + column;
                OuterKernel<T, V>.Dispatch(block, vectors, lines);
            }
        }

        // The adjoint of in += adjoint W; what a vector holds behind the last input is 0, as its weights are.
        private void AddInner(in Tile<T> tile, T* adjoint, int* adjointRows, T* inner, int* innerRows, int rows)
        {
            T* lines = Weights.Lines.At(tile);
            var block = new Block<T> { Line = Weights.Width };
            foreach (var (run, column, vectors, first, end) in panels)
            {
                block.Input = adjoint + first;
                block.Depth = end - first;
                block.Weights = lines + (long)first * Weights.Width + run.Column + column;
                block.Output = inner + run.Place + column;
                for (int row = 0, taken; row < rows; row += taken)
                {
                    taken = LinearKernel<T, V>.Taken(rows - row, TMost.Value);
                    block.InputRows = adjointRows + row;
                    block.OutputRows = innerRows + row;
                    LinearKernel<T, V>.Dispatch(block, vectors, taken, adds: true);
                }
            }
        }
    }

    private static int* At(int[] pinned, int first) => (int*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(pinned)) + first;
}
