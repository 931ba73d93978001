using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace FlowCore.Engines.Compiled.Steps;

/// <summary>Values to other places.</summary>
internal sealed class CopyOperation(Region input, IReadOnlyList<int> from, Region output, IReadOnlyList<int> to) : Operation
{
    public override IEnumerable<Region> Regions => [input, output];

    public override Step<T> Lower<T>(Lowering<T> lowering) => new CopyStep<T>(input, output, Run.Of(from, to));
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
}

/// <summary>Fixed values: constants, borders of images.</summary>
internal sealed class FillOperation(Region output, IReadOnlyList<int> places, IReadOnlyList<double> values) : Operation
{
    public override IEnumerable<Region> Regions => [output];

    public override Step<T> Lower<T>(Lowering<T> lowering) => new FillStep<T>(output, Run.Of([.. Enumerable.Range(0, places.Count)], places), Lowering<T>.Pinned(values));
}

internal sealed unsafe class FillStep<T>(Region output, Run[] runs, T[] values) : Step<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(in Tile<T> tile)
    {
        Debug.Assert(Array.TrueForAll(runs, run => run.LiesIn(values.Length, output.Width)), "A run lies within the values and within a row.");
        T* to = tile.At(output);
        for (int row = 0; row < tile.Rows; row++, to += output.Width)
            foreach (Run run in runs)
                run.Copy(Lowering<T>.Pointer(values), to);
    }
}

/// <summary>A fixed value as the beginning of every row's sum.</summary>
internal sealed class StartOperation(Region sums, double value) : Operation
{
    public override IEnumerable<Region> Regions => [sums];

    public override Step<T> Lower<T>(Lowering<T> lowering) => new StartStep<T>(sums, value);
}

internal sealed unsafe class StartStep<T>(Region sums, double value) : Step<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public override void Run(in Tile<T> tile) => new Span<double>(tile.Sums(sums), tile.Rows).Fill(value);
}
