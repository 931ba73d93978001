using System.Diagnostics;
using System.Numerics;
using FlowCore.Engines.Compiled.Formulas;
using FlowCore.Engines.Gpu;

namespace FlowCore.Engines.Compiled.Steps;

/// <summary>A piece of a program before its number type is chosen: what it computes from which regions, weights in float64.</summary>
internal abstract class Operation
{
    /// <summary>Every region that it reads or writes.</summary>
    public abstract IEnumerable<Region> Regions { get; }

    /// <summary>What a training's way forth keeps for the way back, beside these.</summary>
    public virtual IEnumerable<Region> Kept => [];

    /// <summary>What it reads in float64, whatever the program's number type.</summary>
    public virtual IEnumerable<Formula> ReadExactly => [];

    /// <summary>Why a training cannot go back through it; null where it can.</summary>
    public virtual string? NoWayBack => null;

    /// <summary>Writes the piece into a kernel for GPUs.</summary>
    /// <exception cref="NotCompiledException">It has no form for GPUs.</exception>
    public virtual void Emit(KernelText text) =>
        throw new NotCompiledException($"{GetType().Name[..GetType().Name.IndexOf("Operation", StringComparison.Ordinal)]} has no form for GPUs");

    /// <summary>The piece as it runs, on tiles of at most so many rows.</summary>
    public abstract Step<T> Lower<T>(Lowering<T> to)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;
}

/// <summary>A piece of a program as it runs: immutable, so that threads share it; all that changes lies in the tile.</summary>
internal abstract unsafe class Step<T>
    where T : unmanaged
{
    public abstract void Run(in Tile<T> tile);

    /// <summary>
    /// The way back, of a program that trains: adds to the adjoints of what it has read, and to the gradients of its weights, what the
    /// adjoints of what it has written mean for them.
    /// </summary>
    public virtual void Back(in Tile<T> tile)
    {
    }

    /// <summary>Packs the weights as they are now: once before the tiles of a step of the training.</summary>
    public virtual void Refresh(in Tile<T> weights)
    {
    }
}

/// <summary>A few rows on their way through the whole program: small enough that all their activations stay in the core's cache.</summary>
/// <param name="memory">Where it begins: at a multiple of 64 bytes.</param>
/// <param name="rows">The rows that it holds.</param>
/// <param name="values">The values of all its regions.</param>
/// <param name="weights">The weights of a training.</param>
/// <param name="gradients">Where their gradients add up.</param>
/// <param name="adjoint">What the loss changes by with the log density of a row.</param>
internal readonly unsafe struct Tile<T>(
    T* memory, int rows, long values = long.MaxValue, T* weights = null, T* gradients = null, T adjoint = default)
    where T : unmanaged
{
    public int Rows => rows;

    public T* Weights => weights;

    public T* Gradients => gradients;

    /// <summary>The adjoint of every log density, and so of every log-determinant.</summary>
    public T Adjoint => adjoint;

    public T* At(Region region)
    {
        Debug.Assert(((nuint)memory & 63) == 0, "A tile begins at a multiple of 64 bytes.");
        Debug.Assert(region.Offset >= 0 && region.Offset + (long)rows * region.Width <= values, "A region lies in the tile's memory.");
        return memory + region.Offset;
    }

    public T* At(long offset) => memory + offset;

    /// <summary>The sums of the rows: log-determinants and log densities add up many small numbers, and lose none of their digits here.</summary>
    public double* Sums(Region region) => (double*)At(region);
}
