using System.Numerics;
using System.Runtime.CompilerServices;
using FlowCore.Engines.Compiled.Steps;

namespace FlowCore.Engines.Compiled.Training;

/// <summary>
/// A program with its way back: a tile goes forth through all steps, and at once back through them in the other order, its activations
/// still in the core's cache.
/// </summary>
/// <param name="plan">The program.</param>
/// <param name="steps">Its steps.</param>
/// <param name="clears">For each step the adjoints that its way back is the first to add to.</param>
/// <param name="tileRows">The most rows that go through at once.</param>
/// <param name="memoryValues">The values of a tile.</param>
internal sealed unsafe class TrainingProgram<T>(FlowProgram plan, Step<T>[] steps, Region[][] clears, int tileRows, long memoryValues)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public FlowProgram Plan => plan;

    public int TileRows => tileRows;

    public long MemoryValues => memoryValues;

    public IReadOnlyList<Step<T>> Steps => steps;

    /// <summary>Packs the weights of a step as they are now.</summary>
    public void Refresh(int step, in Tile<T> weights) => steps[step].Refresh(weights);

    // Compiled once, as what runs a program that serves is: with a profile, half a step would be inlined into the loop.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Forth(in Tile<T> tile)
    {
        foreach (Step<T> step in steps)
            step.Run(tile);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Back(in Tile<T> tile)
    {
        for (int i = steps.Length - 1; i >= 0; i--)
            Back(i, tile);
    }

    /// <summary>Back through one step; those behind it have gone back.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Back(int step, in Tile<T> tile)
    {
        foreach (Region adjoint in clears[step])
            new Span<T>(tile.At(adjoint), tile.Rows * adjoint.Width).Clear();
        steps[step].Back(tile);
    }
}
