using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FlowCore.Bijections.Elements;
using FlowCore.Engines.Compiled.Formulas;
using FlowCore.Engines.Compiled.Training;
using FlowCore.Engines.Gpu;

namespace FlowCore.Engines.Compiled.Steps;

/// <summary>Where a parameter of every value stands: value i's at Places[i] of a region, or a constant for each.</summary>
internal sealed record ParameterPlace(Region? Region, int[] Places, Formula? Constants = null);

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

    /// <summary>The values as they were: an element writes over them.</summary>
    public Region Before { get; private set; } = new(0);

    public override IEnumerable<Region> Kept => [Before.Width > 0 ? Before : Before = new Region(Places.Length)];

    public override string? NoWayBack => Element.Compile<double>().GoesBack ? null : $"{Element.GetType().Name} has no way back";

    public override Step<T> Lower<T>(Lowering<T> to) => new ElementStep<T>(this, Element.Compile<T>(), to);

    // A thread computes every sixteenth (in float64 every eighth) value of a row, and so the share of the row's sum that a lane has on a CPU.
    public override void Emit(KernelText text)
    {
        var (function, weights) = text.IsSingle ? EmitElement<float>(text) : EmitElement<double>(text);
        string step = text.Function("element_step", name => $$"""
            template<class TILE> APART void {{name}}(TILE tile, int count, int sum, Places values, Parameters<TILE> parameters)
            {
                PHASE EACH(TILE::LANES)
                {
                    N share = 0;
                    for (int k = VALUE; k < count; k += TILE::LANES)
                    {
                        Parameters<TILE> own = parameters;
                        own.k = k, own.row = ROW;
                        N &value = tile.at(values(k), ROW);
                        N log_derivative;
                        value = {{function}}(value, own, log_derivative);
                        share += log_derivative;
                    }
                    tile.lane(VALUE, ROW) = share;
                }
                PHASE EACH_ROW tile.sum(sum, row) += lanes_together(tile, 0, row);
            }
            """);
        text.Count(function, Places.Length);
        text.Line($"{step}(tile, {Places.Length}, {LogDet.Offset}, {text.Places(Values, Places)}, {{tile, a.numbers, {weights}, {ParameterPlaces(text)}, 0, 0}});");
    }

    private (string Function, int Weights) EmitElement<T>(KernelText text)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ElementKernel<T> kernel = Element.Compile<T>();
        return (kernel.Emit(text, Inverse), kernel.EmitWeights(text));
    }

    /// <summary>The first place, the steps from parameter to parameter and from value to value; or a table of all.</summary>
    private string ParameterPlaces(KernelText text)
    {
        if (Parameters.Length == 0)
            return "0, 0, 0, nullptr";
        int[] at = [.. Parameters.SelectMany((parameter, p) => parameter.Region is { } region
            ? parameter.Places.Select(place => (int)region.Offset + place)
            : Enumerable.Range(text.Place(parameter.Constants!.Values), Places.Length).Select(number => ~number))];
        int count = Places.Length, perParameter = Parameters.Length > 1 ? at[count] - at[0] : 0, perValue = count > 1 ? at[1] - at[0] : 0;
        return Enumerable.Range(0, at.Length).All(i => at[i] == at[0] + i / count * perParameter + i % count * perValue)
            ? FormattableString.Invariant($"{at[0]}, {perParameter}, {perValue}, nullptr")
            : FormattableString.Invariant($"0, {count}, 0, a.tables + {text.Table(at)}");
    }
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
    private readonly Numbers<T>[] constants;
    private readonly Region? before;
    private readonly int count, chunk, stride, panels;

    public ElementStep(ElementOperation operation, ElementKernel<T> kernel, Lowering<T> to)
    {
        this.kernel = kernel;
        inverse = operation.Inverse;
        (valueRegion, logDet) = (operation.Values, operation.LogDet);
        count = operation.Places.Length;
        Debug.Assert(count > 0 && valueRegion.Holds(operation.Places), "The values lie within a row.");
        Debug.Assert(Array.TrueForAll(operation.Parameters, p => p.Region is { } region ? p.Places.Length == count && region.Holds(p.Places) : p.Constants!.Count == count), "Each value has its parameters.");
        before = to.Trains ? operation.Before : null;
        panels = before is null ? operation.Parameters.Length + 3 : 2 * operation.Parameters.Length + 4;
        chunk = Math.Max(1, Math.Min(ChunkValues / count, MostScratch / (panels * count)));
        stride = (chunk * count + Slack + Slack - 1) / Slack * Slack;
        values = Steps.Run.Of(operation.Places);
        parameterRegions = [.. operation.Parameters.Select(parameter => parameter.Region)];
        parameters = [.. operation.Parameters.Select(parameter => Steps.Run.Of(parameter.Places))];
        constants = [.. operation.Parameters.Select(parameter => parameter.Constants is { } numbers ? to.Numbers(numbers) : default)];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(in Tile<T> tile)
    {
        T* x = Scratch(), y = x + stride, logDerivative = y + stride, panel = logDerivative + stride;
        for (int first = 0; first < tile.Rows; first += chunk)
        {
            int rows = Math.Min(chunk, tile.Rows - first);
            Gather(tile.At(valueRegion) + first * valueRegion.Width, valueRegion.Width, values, x, rows);
            if (before is not null)
                Keep(tile, x, first, rows);
            GatherParameters(tile, first, rows, panel);
            Debug.Assert(rows * count + Vector512<T>.Count <= stride, "A panel has room for a vector past its last value.");
            if (inverse)
                kernel.Inverse(x, panel, stride, rows * count, y, logDerivative);
            else
                kernel.Forward(x, panel, stride, rows * count, y, logDerivative);
            Scatter(tile, first, rows, y, logDerivative);
        }
    }

    /// <summary>
    /// The values become what they were before, and their adjoints with them: whatever stands in front finds both as it left them.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Back(in Tile<T> tile)
    {
        T* x = Scratch(), adjoint = x + stride, ofLog = adjoint + stride, inner = ofLog + stride, panel = inner + stride;
        T* ofPanel = panel + parameters.Length * stride;
        Region adjoints = valueRegion.Adjoint;
        for (int first = 0; first < tile.Rows; first += chunk)
        {
            int rows = Math.Min(chunk, tile.Rows - first);
            T* now = tile.At(valueRegion) + first * valueRegion.Width, nowAdjoint = tile.At(adjoints) + first * adjoints.Width;
            T* kept = tile.At(before!) + first * before!.Width;
            // The inverse's derivatives are those of the forward direction, where its result stands.
            if (inverse)
                Gather(now, valueRegion.Width, values, x, rows);
            else
                for (int row = 0; row < rows; row++)
                    Steps.Run.Copy(kept + row * before.Width, x + row * count, count);
            Gather(nowAdjoint, adjoints.Width, values, adjoint, rows);
            GatherParameters(tile, first, rows, panel);
            // What lies behind the last value takes no part.
            for (int i = rows * count; i < rows * count + Slack; i++)
                x[i] = adjoint[i] = T.Zero;
            new Span<T>(ofLog, rows * count + Slack).Fill(tile.Adjoint);
            if (inverse)
                kernel.InverseBack(x, panel, stride, rows * count, adjoint, ofLog, inner, ofPanel);
            else
                kernel.Back(x, panel, stride, rows * count, adjoint, ofLog, inner, ofPanel);
            for (int row = 0; row < rows; row++, now += valueRegion.Width, nowAdjoint += adjoints.Width)
                foreach (Run run in values)
                {
                    Steps.Run.Copy(kept + row * before.Width + run.To, now + run.From, run.Length);
                    Steps.Run.Copy(inner + row * count + run.To, nowAdjoint + run.From, run.Length);
                }
            AddParameters(tile, first, rows, ofPanel);
        }
    }

    private T* Scratch()
    {
        int needed = checked(panels * stride + 2 * Slack);
        if (scratch is null || scratch.Length < needed)
            scratch = GC.AllocateArray<T>(needed, pinned: true);
        return Pinned.Aligned(scratch);
    }

    private void GatherParameters(in Tile<T> tile, int first, int rows, T* panel)
    {
        for (int p = 0; p < parameters.Length; p++)
            if (parameterRegions[p] is { } region)
                Gather(tile.At(region) + first * region.Width, region.Width, parameters[p], panel + p * stride, rows);
            else
                for (int row = 0; row < rows; row++)
                    Steps.Run.Copy(constants[p].At(tile), panel + p * stride + row * count, count);
    }

    private void AddParameters(in Tile<T> tile, int first, int rows, T* ofPanel)
    {
        for (int p = 0; p < parameters.Length; p++)
        {
            T* from = ofPanel + p * stride;
            if (parameterRegions[p] is { Adjoint: var region })
            {
                T* to = tile.At(region) + first * region.Width;
                for (int row = 0; row < rows; row++, from += count, to += region.Width)
                    foreach (Run run in parameters[p])
                        Steps.Run.Add(from + run.To, to + run.From, run.Length);
            }
            else if (constants[p].Learns)
            {
                T* gradient = constants[p].Gradient(tile);
                for (int row = 0; row < rows; row++, from += count)
                    Steps.Run.Add(from, gradient, count);
            }
        }
    }

    private void Keep(in Tile<T> tile, T* x, int first, int rows)
    {
        T* kept = tile.At(before!) + first * before!.Width;
        for (int row = 0; row < rows; row++)
            Steps.Run.Copy(x + row * count, kept + row * before.Width, count);
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
