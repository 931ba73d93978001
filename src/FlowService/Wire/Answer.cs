namespace FlowService.Wire;

/// <summary>
/// An answer before it has a media type: a few facts, and columns of one entry for each row. The buffers of computed results stay
/// the work item's; those that were derived for the answer are its own.
/// </summary>
internal sealed class Answer(string model, int version, int rows) : IDisposable
{
    private readonly List<Column> columns = [];
    private readonly List<RowBuffer> derived = [];

    public string Model => model;

    public int Version => version;

    public int Rows => rows;

    public ulong? Seed { get; init; }

    public IReadOnlyList<Column> Columns => columns;

    /// <summary>Adds one number for each row.</summary>
    public Answer Add(string name, RowBuffer values) => Add(new Column(name, values, 1, false));

    /// <summary>Adds a row of <paramref name="width"/> numbers for each row.</summary>
    public Answer AddRows(string name, RowBuffer values, int width) => Add(new Column(name, values, width, true));

    /// <summary>Adds one number for each row, in a buffer that was made for this answer.</summary>
    public Answer AddDerived(string name, RowBuffer values)
    {
        derived.Add(values);
        return Add(name, values);
    }

    public void Dispose()
    {
        foreach (RowBuffer buffer in derived)
            buffer.Dispose();
    }

    private Answer Add(Column column)
    {
        columns.Add(column);
        return this;
    }

    /// <summary>The indices of the rows of which some number is infinite or NaN.</summary>
    public List<int> NonFiniteRows()
    {
        var found = new List<int>();
        for (int row = 0; row < rows; row++)
            foreach (Column column in columns)
                if (!column.IsFinite(row))
                {
                    found.Add(row);
                    break;
                }
        return found;
    }
}

/// <summary>One named output: a number for each row, or a list of numbers.</summary>
internal sealed record Column(string Name, RowBuffer Values, int Width, bool IsNested)
{
    public ReadOnlySpan<float> Row(int row) => Values.Span.Slice(row * Width, Width);

    public bool IsFinite(int row)
    {
        foreach (float value in Row(row))
            if (!float.IsFinite(value))
                return false;
        return true;
    }
}
