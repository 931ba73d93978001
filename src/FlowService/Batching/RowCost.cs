namespace FlowService.Batching;

/// <summary>
/// What a row of a model costs at least, in either direction: the least that any batch has shown, that of warming up among them. It is a lower bound, so that a request which is refused for
/// its sake could not have been answered in time by an idle service either.
/// </summary>
/// <param name="engines">How many engines compute the model side by side.</param>
internal sealed class RowCost(int engines)
{
    // Seconds of one engine for a row, by direction; 0 where none was seen.
    private readonly double[] least = new double[Enum.GetValues<Direction>().Length];

    /// <summary>A batch was computed.</summary>
    public void Seen(Direction direction, int rows, TimeSpan took)
    {
        ref double known = ref least[(int)direction];
        double seconds = took.TotalSeconds / rows, before = Volatile.Read(ref known);
        while (seconds > 0 && (before == 0 || seconds < before))
        {
            double now = Interlocked.CompareExchange(ref known, seconds, before);
            if (now == before)
                return;
            before = now;
        }
    }

    /// <summary>The least time that so many rows take, all engines at work; zero where nothing is known.</summary>
    public TimeSpan Of(Direction direction, long rows) => TimeSpan.FromSeconds(rows * Volatile.Read(ref least[(int)direction]) / engines);

    /// <summary>The most rows that a time can be enough for; at least one.</summary>
    public long RowsWithin(Direction direction, TimeSpan time) => Volatile.Read(ref least[(int)direction]) is > 0 and var seconds
        ? (long)Math.Clamp(engines * time.TotalSeconds / seconds, 1, long.MaxValue / 2)
        : long.MaxValue;

    /// <summary>The same of a model whose rows are so many times as wide, until its own batches show less.</summary>
    public RowCost Times(double factor)
    {
        var scaled = new RowCost(engines);
        for (int direction = 0; direction < least.Length; direction++)
            scaled.least[direction] = factor * least[direction];
        return scaled;
    }
}
