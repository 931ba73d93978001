using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using FlowCore.Engines.Compiled.Formulas;
using FlowCore.Engines.Compiled.Training;
using FlowCore.Engines.Gpu;

namespace FlowCore.Engines.Compiled.Steps;

/// <summary>Values to other places.</summary>
internal sealed class CopyOperation(Region input, IReadOnlyList<int> from, Region output, IReadOnlyList<int> to) : Operation
{
    public override IEnumerable<Region> Regions => [input, output];

    public override Step<T> Lower<T>(Lowering<T> lowering) => new CopyStep<T>(input, output, Run.Of(from, to));

    public override void Emit(KernelText text)
    {
        Debug.Assert(input != output, "No thread writes where another one reads.");
        text.Use("""
            template<class TILE> APART void copy(TILE tile, int count, Places from, Places to)
            {
                PHASE EACH(count) tile.at(to(VALUE), ROW) = tile.at(from(VALUE), ROW);
            }
            """);
        text.Line($"copy(tile, {from.Count}, {text.Places(input, from)}, {text.Places(output, to)});");
    }
}

internal sealed unsafe class CopyStep<T>(Region input, Region output, Run[] runs) : Step<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(in Tile<T> tile)
    {
        Debug.Assert(Array.TrueForAll(runs, run => run.LiesIn(input.Width, output.Width)), "A run lies within both rows.");
        T* from = tile.At(input), to = tile.At(output);
        for (int row = 0; row < tile.Rows; row++, from += input.Width, to += output.Width)
            foreach (Run run in runs)
                run.Copy(from, to);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Back(in Tile<T> tile)
    {
        T* from = tile.At(input.Adjoint), to = tile.At(output.Adjoint);
        for (int row = 0; row < tile.Rows; row++, from += input.Adjoint.Width, to += output.Adjoint.Width)
            foreach (Run run in runs)
                Steps.Run.Add(to + run.To, from + run.From, run.Length);
    }
}

/// <summary>The same values in every row: constants, borders of images.</summary>
internal sealed class FillOperation(Region output, IReadOnlyList<int> places, Formula values) : Operation
{
    public override IEnumerable<Region> Regions => [output];

    public override Step<T> Lower<T>(Lowering<T> lowering) =>
        new FillStep<T>(output, Run.Of([.. Enumerable.Range(0, places.Count)], places), lowering.Numbers(values));

    public override void Emit(KernelText text)
    {
        text.Use("""
            template<class TILE> APART void fill(TILE tile, int count, const N *values, Places to)
            {
                PHASE EACH(count) tile.at(to(VALUE), ROW) = values[VALUE];
            }
            """);
        text.Line($"fill(tile, {places.Count}, a.numbers + {text.Place(values.Values)}, {text.Places(output, places)});");
    }
}

internal sealed unsafe class FillStep<T>(Region output, Run[] runs, Numbers<T> values) : Step<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(in Tile<T> tile)
    {
        int count = values.Count, width = output.Width;
        Debug.Assert(Array.TrueForAll(runs, run => run.LiesIn(count, width)), "A run lies within the values and within a row.");
        T* to = tile.At(output), from = values.At(tile);
        for (int row = 0; row < tile.Rows; row++, to += output.Width)
            foreach (Run run in runs)
                run.Copy(from, to);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Back(in Tile<T> tile)
    {
        if (!values.Learns)
            return;
        T* to = tile.At(output.Adjoint), gradient = values.Gradient(tile);
        for (int row = 0; row < tile.Rows; row++, to += output.Adjoint.Width)
            foreach (Run run in runs)
                Steps.Run.Add(to + run.To, gradient + run.From, run.Length);
    }
}

/// <summary>One value as the beginning of every row's sum.</summary>
internal sealed class StartOperation(Region sums, Formula value) : Operation
{
    public override IEnumerable<Region> Regions => [sums];

    public override IEnumerable<Formula> ReadExactly => [value];

    public Formula Value => value;

    public override Step<T> Lower<T>(Lowering<T> lowering) => new StartStep<T>(sums, value);

    public override void Emit(KernelText text) =>
        text.Line($"PHASE EACH_ROW tile.sum({sums.Offset}, row) = a.exact[{text.PlaceExactly(value.Values)}];");
}

/// <summary>The value stays in float64: its formula holds it, and its gradient is that of all rows together.</summary>
internal sealed unsafe class StartStep<T>(Region sums, Formula value) : Step<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public override void Run(in Tile<T> tile) => new Span<double>(tile.Sums(sums), tile.Rows).Fill(value.Values[0]);
}

/// <summary>One sum of every row added to another, or taken from it.</summary>
internal sealed class AddSumOperation(Region from, Region to, int sign) : Operation
{
    public override IEnumerable<Region> Regions => [from, to];

    public override string? NoWayBack => "a flow as a base density has no way back";

    public override Step<T> Lower<T>(Lowering<T> lowering) => new AddSumStep<T>(from, to, sign);

    public override void Emit(KernelText text) => text.Line($"PHASE EACH_ROW tile.sum({to.Offset}, row) += {sign} * tile.sum({from.Offset}, row);");
}

internal sealed unsafe class AddSumStep<T>(Region from, Region to, int sign) : Step<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public override void Run(in Tile<T> tile)
    {
        double* sums = tile.Sums(to), added = tile.Sums(from);
        for (int row = 0; row < tile.Rows; row++)
            sums[row] += sign * added[row];
    }
}
