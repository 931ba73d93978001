namespace FlowCore.Engines.Compiled.Training;

/// <summary>Numbers of a step: fixed ones in memory of their own, or the place of learned ones among all the weights of a training.</summary>
internal readonly unsafe struct Numbers<T>
    where T : unmanaged
{
    private readonly T[]? pinned;
    private readonly long offset;

    /// <param name="pinned">Numbers that stay as they are, in memory that does not move.</param>
    /// <param name="count">How many they are, without what was added for whole vectors.</param>
    public Numbers(T[] pinned, int count) => (this.pinned, Count) = (pinned, count);

    /// <param name="offset">Where they begin among the weights.</param>
    /// <param name="count">How many they are.</param>
    public Numbers(long offset, int count) => (this.offset, Count) = (offset, count);

    public int Count { get; }

    /// <summary>Whether a gradient is wanted.</summary>
    public bool Learns => pinned is null;

    public T* At(in Steps.Tile<T> tile) => pinned is null ? tile.Weights + offset : Pinned.Pointer(pinned);

    /// <summary>Where their gradient adds up.</summary>
    public T* Gradient(in Steps.Tile<T> tile) => tile.Gradients + offset;
}
