using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FlowCore.Bijections.Elements;

namespace FlowCore.Engines.Compiled.Steps;

/// <summary>Where a parameter of every value stands: value i's at Places[i] of a region, or a constant for each.</summary>
internal sealed record ParameterPlace(Region? Region, int[] Places, double[]? Constants = null);

/// <summary>An element applied in place to some values of every row, and the sum of their log-derivatives added to the log-determinant.</summary>
internal sealed class ElementOperation : Operation
{
    public required ICompiledElement Element { get; init; }

    public required bool Inverse { get; init; }

    public required Region Values { get; init; }

    public required int[] Places { get; init; }

    public required ParameterPlace[] Parameters { get; init; }

    public required Region LogDet { get; init; }

    public override IEnumerable<Region> Regions =>
        [Values, LogDet, .. Parameters.Select(parameter => parameter.Region).OfType<Region>()];

    public override Step<T> Lower<T>(Lowering<T> to) => new ElementStep<T>(this, Element.Compile<T>());
}

/// <summary>
/// A chunk of rows at a time: gathers the values and, parameter by parameter, their parameters into dense panels of rows x values,
/// so that all lanes of a vector are at work however few values a row has; then puts the values back.
/// </summary>
internal sealed unsafe class ElementStep<T> : Step<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    // The second bound is for elements of very many parameters; where it holds, fewer rows make a chunk, and no bit changes.
    private const int ChunkValues = 768, MostScratch = 1 << 19, Slack = 16;

    [ThreadStatic]
    private static T[]? scratch;

    private readonly ElementKernel<T> kernel;
    private readonly bool inverse;
    private readonly Region valueRegion, logDet;
    private readonly Region?[] parameterRegions;
    private readonly Run[] values;
    private readonly Run[][] parameters;
    private readonly T[]?[] constants;
    private readonly int count, chunk, stride;

    public ElementStep(ElementOperation operation, ElementKernel<T> kernel)
    {
        this.kernel = kernel;
        inverse = operation.Inverse;
        (valueRegion, logDet) = (operation.Values, operation.LogDet);
        count = operation.Places.Length;
        Debug.Assert(count > 0 && valueRegion.Holds(operation.Places), "The values lie within a row.");
        Debug.Assert(Array.TrueForAll(operation.Parameters, p => p.Region is { } region ? p.Places.Length == count && region.Holds(p.Places) : p.Constants!.Length == count), "Each value has its parameters.");
        int panels = operation.Parameters.Length + 3;
        chunk = Math.Max(1, Math.Min(ChunkValues / count, MostScratch / (panels * count)));
        stride = (chunk * count + Slack + Slack - 1) / Slack * Slack;
        values = Steps.Run.Of(operation.Places);
        parameterRegions = [.. operation.Parameters.Select(parameter => parameter.Region)];
        parameters = [.. operation.Parameters.Select(parameter => Steps.Run.Of(parameter.Places))];
        constants = [.. operation.Parameters.Select(parameter => parameter.Constants is { } fixedValues ? Lowering<T>.Pinned(fixedValues) : null)];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(in Tile<T> tile)
    {
        int needed = checked((parameters.Length + 3) * stride + Slack);
        if (scratch is null || scratch.Length < needed)
            scratch = GC.AllocateArray<T>(needed, pinned: true);
        T* x = (T*)(((nuint)Lowering<T>.Pointer(scratch) + 63) & ~(nuint)63);
        T* y = x + stride, logDerivative = y + stride, panel = logDerivative + stride;
        for (int first = 0; first < tile.Rows; first += chunk)
        {
            int rows = Math.Min(chunk, tile.Rows - first);
            Gather(tile.At(valueRegion) + first * valueRegion.Width, valueRegion.Width, values, x, rows);
            for (int p = 0; p < parameters.Length; p++)
                if (parameterRegions[p] is { } region)
                    Gather(tile.At(region) + first * region.Width, region.Width, parameters[p], panel + p * stride, rows);
                else
                    for (int row = 0; row < rows; row++)
                        new ReadOnlySpan<T>(constants[p]).CopyTo(new Span<T>(panel + p * stride + row * count, count));
            Debug.Assert(rows * count + Vector512<T>.Count <= stride, "A panel has room for a vector past its last value.");
            if (inverse)
                kernel.Inverse(x, panel, stride, rows * count, y, logDerivative);
            else
                kernel.Forward(x, panel, stride, rows * count, y, logDerivative);
            Scatter(tile, first, rows, y, logDerivative);
        }
    }

    // Whole vectors: what is written past the end of a run is written over by the next one, and the panel has room for the last.
    private void Gather(T* from, int width, Run[] runs, T* to, int rows)
    {
        for (int row = 0; row < rows; row++, from += width, to += count)
            foreach (Run run in runs)
                if (run.Length == 1)
                    to[run.To] = from[run.From];
                else
                    for (int i = 0; i < run.Length; i += Vector512<T>.Count)
                        Vector512.Load(from + run.From + i).Store(to + run.To + i);
    }

    private void Scatter(in Tile<T> tile, int first, int rows, T* y, T* logDerivative)
    {
        T* to = tile.At(valueRegion) + first * valueRegion.Width;
        double* sums = tile.Sums(logDet) + first;
        for (int row = 0; row < rows; row++, y += count, logDerivative += count, to += valueRegion.Width)
        {
            foreach (Run run in values)
                Steps.Run.Copy(y + run.To, to + run.From, run.Length);
            sums[row] += Kernels.VectorMath.Sum(logDerivative, count);
        }
    }
}
