namespace FlowRows;

/// <summary>
/// What costs time and holds no row: a body may have some of it, and as much again as it has rows, but cannot consist of it. Compressed,
/// gigabytes of nothing are a few bytes.
/// </summary>
/// <param name="what">What it is, in the plural.</param>
internal sealed class Rowless(string what)
{
    private const int Most = 1 << 16;

    /// <summary>Lines of text without anything in them.</summary>
    public static Rowless BlankLines() => new("blank lines");

    private long left = Most;

    /// <summary>So many rows were read.</summary>
    public void Rows(int count) => left += count;

    /// <summary>Something else was.</summary>
    /// <exception cref="RowFault">There is too much of it.</exception>
    public void Pass()
    {
        if (--left < 0)
            throw new RowFault(RowFaultKind.InvalidBody, $"the body has more than {Most} {what} beyond the number of its rows; leave them out");
    }
}
