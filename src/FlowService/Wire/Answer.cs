using FlowService.Models;

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

    /// <summary>Columns of the body that are passed on, in the formats that have such. Their owner disposes of them.</summary>
    public KeptColumns? Kept { get; set; }

    public IReadOnlyList<Column> Columns => columns;

    /// <summary>Adds one number for each row.</summary>
    public Answer Add(string name, RowBuffer values) => Add(new Column(name, values, 1, [name], []));

    /// <summary>Adds a latent for each row.</summary>
    public Answer AddLatents(string name, RowBuffer values, ServedModel model) =>
        Add(new Column(name, values, model.Width, RowLayout.ValueNames(RequestField.Z, model), [model.Width]));

    /// <summary>Adds a datum for each row.</summary>
    public Answer AddData(string name, RowBuffer values, ServedModel model) =>
        Add(new Column(name, values, model.Width, RowLayout.ValueNames(RequestField.X, model), model.Spec.EventShape) { IsTable = model.Spec.Features is not null });

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
/// <param name="Name">Its name as a whole.</param>
/// <param name="Values">The numbers, row by row.</param>
/// <param name="Width">How many each row has.</param>
/// <param name="Names">The name of each number of a row, as the column of a table.</param>
/// <param name="Shape">The shape of a row's numbers; none where it is a single one.</param>
internal sealed record Column(string Name, RowBuffer Values, int Width, string[] Names, int[] Shape)
{
    /// <summary>Whether each row is a list of numbers.</summary>
    public bool IsNested => Shape.Length > 0;

    /// <summary>Whether a table has a column for each number of a row, rather than one of lists: they have names, or are single.</summary>
    public bool IsTable { get; init; } = Shape.Length == 0;

    public ReadOnlySpan<float> Row(int row) => Values.Span.Slice(row * Width, Width);

    public bool IsFinite(int row)
    {
        foreach (float value in Row(row))
            if (!float.IsFinite(value))
                return false;
        return true;
    }
}
