namespace FlowRows;

/// <summary>How much is read. The names of the service's settings (<c>Limits:...</c>) stand in the refusals.</summary>
/// <param name="BodyBytes">The most bytes of what must be read whole.</param>
/// <param name="StreamBytes">The most bytes of rows that pass through in parts.</param>
/// <param name="StreamRows">The most rows that pass through in parts.</param>
/// <param name="RowsPerRequest">The most rows that are held at once.</param>
/// <param name="ValuesPerRequest">The most values that are held at once.</param>
internal sealed record RowLimits(long BodyBytes, long StreamBytes, long StreamRows, int RowsPerRequest, int ValuesPerRequest)
{
    /// <summary>What a program may read of its own machine's files: as much as an array holds at once, and any number of parts.</summary>
    public static readonly RowLimits Files = new(1L << 31, long.MaxValue, long.MaxValue, int.MaxValue, Array.MaxLength);
}
