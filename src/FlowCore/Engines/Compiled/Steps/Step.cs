using System.Numerics;

namespace FlowCore.Engines.Compiled.Steps;

/// <summary>A piece of a program before its number type is chosen: what it computes from which regions, weights in float64.</summary>
internal abstract class Operation
{
    /// <summary>Every region that it reads or writes.</summary>
    public abstract IEnumerable<Region> Regions { get; }

    /// <summary>The piece as it runs, on tiles of at most so many rows.</summary>
    public abstract Step<T> Lower<T>(Lowering<T> to)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;
}

/// <summary>A piece of a program as it runs: immutable, so that threads share it; all that changes lies in the tile.</summary>
internal abstract unsafe class Step<T>
    where T : unmanaged
{
    public abstract void Run(in Tile<T> tile);
}

/// <summary>A few rows on their way through the whole program: small enough that all their activations stay in the core's cache.</summary>
internal readonly unsafe struct Tile<T>(T* memory, int rows)
    where T : unmanaged
{
    public int Rows => rows;

    public T* At(Region region) => memory + region.Offset;

    public T* At(long offset) => memory + offset;

    /// <summary>The sums of the rows: log-determinants and log densities add up many small numbers, and lose none of their digits here.</summary>
    public double* Sums(Region region) => (double*)At(region);
}
