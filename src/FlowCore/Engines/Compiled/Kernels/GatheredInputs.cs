using System.Diagnostics;
using System.Numerics;
using System.Runtime.Intrinsics;

namespace FlowCore.Engines.Compiled.Kernels;

/// <summary>
/// The inputs of a linear map that stand in short runs, as those of a convolution of few channels: brought together in a line for each row, for
/// the way back, and their adjoints taken back to where they stand. Whole vectors are moved, and what they hold behind a run is written over
/// by the next one, or not added.
/// </summary>
internal sealed unsafe class GatheredInputs<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    [ThreadStatic]
    private static T[]? memory;

    private readonly InputRun[] runs; // of a vector at most each
    private readonly Vector512<T>[] lanes;
    private readonly int[] lines;
    private readonly int line;

    /// <param name="scattered">Where the inputs stand, and their columns in a line.</param>
    /// <param name="line">The distance from one line to the next.</param>
    /// <param name="most">The most lines.</param>
    public GatheredInputs(InputRun[] scattered, int line, int most)
    {
        this.line = line;
        runs = [.. scattered.SelectMany(Vectors)];
        lanes = [.. runs.Select(run => PartVector.First<T>(run.Length))];
        lines = GC.AllocateUninitializedArray<int>(most, pinned: true);
        for (int row = 0; row < lines.Length; row++)
            lines[row] = row * line;
    }

    /// <summary>Where each line begins.</summary>
    public int* Lines => Pinned.Pointer(lines);

    /// <summary>Memory for so many lines, and for the vectors that end behind them.</summary>
    public T* Memory(int rows)
    {
        Debug.Assert(rows <= lines.Length, "The program was laid out for as many rows.");
        int needed = rows * line + 2 * Vector512<T>.Count;
        if (memory is null || memory.Length < needed)
            memory = GC.AllocateArray<T>(needed, pinned: true);
        return Pinned.Aligned(memory);
    }

    /// <summary>Brings the inputs together; <paramref name="end"/> is where the memory of the values ends.</summary>
    public void Gather(T* values, int* valueRows, int rows, int end, T* to)
    {
        for (int row = 0; row < rows; row++, to += line)
            foreach (InputRun run in runs)
                if (valueRows[row] + run.Place is var place)
                    PartVector.Load(values + place, end - place).Store(to + run.Column);
    }

    /// <summary>Adds what was computed for the inputs to where they stand; <paramref name="end"/> is where the memory of the sums ends.</summary>
    public void Scatter(T* from, T* sums, int* sumRows, int rows, int end)
    {
        for (int row = 0; row < rows; row++, from += line)
            for (int i = 0; i < runs.Length; i++)
            {
                int place = sumRows[row] + runs[i].Place, left = end - place;
                PartVector.Store(PartVector.Load(sums + place, left) + (Vector512.Load(from + runs[i].Column) & lanes[i]), sums + place, left);
            }
    }

    private static IEnumerable<InputRun> Vectors(InputRun run)
    {
        for (int at = 0; at < run.Length; at += Vector512<T>.Count)
            yield return new(run.Place + at, run.Column + at, Math.Min(run.Length - at, Vector512<T>.Count));
    }
}
