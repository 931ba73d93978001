using System.Numerics;
using FlowCore;
using FlowRows.Buffers;
using FlowRows.Scoring;
using FlowRows.Tables;

namespace FlowRows.Answers;

/// <summary>
/// An answer before it has a format: a few facts, and columns of one entry for each row. The buffers of computed results stay
/// their owner's; those that were derived for the answer are its own, and what it was given to <see cref="Own"/>.
/// </summary>
internal sealed class Answer<T>(string model, int version, int rows) : IDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly List<AnswerColumn<T>> columns = [];
    private readonly List<IDisposable> owned = [];

    public string Model => model;

    public int Version => version;

    public int Rows => rows;

    public ulong? Seed { get; init; }

    /// <summary>Columns of the body that are passed on, in the formats that have such. Their owner disposes of them.</summary>
    public KeptColumns? Kept { get; set; }

    /// <summary>The number of each row in the body, where some were left out.</summary>
    public long[]? Numbers { get; set; }

    /// <summary>Why rows could not be read, where that is no reason to refuse all.</summary>
    public RowErrors? Errors { get; set; }

    /// <summary>Why rows are strange, where somebody asked.</summary>
    public RowReasons? Reasons { get; set; }

    /// <summary>What the rows' p-values rest on, where there are such.</summary>
    public ScoreRequest? Calibration { get; set; }

    public IReadOnlyList<AnswerColumn<T>> Columns => columns;

    /// <summary>Adds one number for each row.</summary>
    public Answer<T> Add(string name, RowBuffer<T> values) => Add(new AnswerColumn<T>(name, values, 1, [name], []));

    /// <summary>Adds a latent for each row.</summary>
    public Answer<T> AddLatents(string name, RowBuffer<T> values, FlowSpec spec) =>
        Add(new AnswerColumn<T>(name, values, spec.Width, RowNames.Latents(spec), [spec.Width]));

    /// <summary>Adds a datum for each row.</summary>
    public Answer<T> AddData(string name, RowBuffer<T> values, FlowSpec spec) =>
        Add(new AnswerColumn<T>(name, values, spec.Width, RowNames.Data(spec), spec.EventShape) { IsTable = spec.Features is not null });

    /// <summary>Adds one number for each row, in a buffer that was made for this answer.</summary>
    public Answer<T> AddDerived(string name, RowBuffer<T> values)
    {
        Own(values);
        return Add(name, values);
    }

    /// <summary>Adds a column whose buffer was made for this answer.</summary>
    public Answer<T> AddDerived(AnswerColumn<T> column)
    {
        Own(column.Values);
        return Add(column);
    }

    /// <summary>Adds one number for each feature, in a buffer that was made for this answer.</summary>
    public Answer<T> AddDerived(RowBuffer<T> values, string[] features)
    {
        Own(values);
        return Add(new AnswerColumn<T>(ScoreRequest.ZScores, values, features.Length, [.. features.Select(RowNames.ZScore)], [features.Length]) { IsTable = true });
    }

    /// <summary>Adds true (1) or false (0) for each row, in a buffer that was made for this answer.</summary>
    public Answer<T> AddFlags(string name, RowBuffer<T> values)
    {
        Own(values);
        return Add(new AnswerColumn<T>(name, values, 1, [name], []) { IsFlag = true });
    }

    /// <summary>What the body brought beside its values: the columns to pass on, and the rows that could not be read.</summary>
    public Answer<T> With(RowBlock<T> block)
    {
        Kept = block.Kept;
        Numbers = block.Numbers;
        if (block.Blanks is { } errors)
            Blank(errors);
        return this;
    }

    /// <summary>Disposes of something with the answer.</summary>
    public TOwned Own<TOwned>(TOwned something)
        where TOwned : IDisposable
    {
        owned.Add(something);
        return something;
    }

    public void Dispose()
    {
        foreach (IDisposable something in owned)
            something.Dispose();
    }

    private Answer<T> Add(AnswerColumn<T> column)
    {
        columns.Add(column);
        return this;
    }

    // What was computed of the zeros that stood for a row is nothing.
    private void Blank(RowErrors errors)
    {
        Errors = errors;
        foreach (int row in errors.Rows)
            foreach (AnswerColumn<T> column in columns)
                column.Values.Span.Slice(row * column.Width, column.Width).Fill(T.NaN);
    }

    /// <summary>The indices of the rows of which some number is infinite or NaN.</summary>
    public List<int> NonFiniteRows()
    {
        var found = new List<int>();
        for (int row = 0; row < rows; row++)
            foreach (AnswerColumn<T> column in columns)
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
internal sealed record AnswerColumn<T>(string Name, RowBuffer<T> Values, int Width, string[] Names, int[] Shape)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Whether each row is a list of numbers.</summary>
    public bool IsNested => Shape.Length > 0;

    /// <summary>Whether a table has a column for each number of a row, rather than one of lists: they have names, or are single.</summary>
    public bool IsTable { get; init; } = Shape.Length == 0;

    /// <summary>Whether each number is 1 for true or 0 for false.</summary>
    public bool IsFlag { get; init; }

    public ReadOnlySpan<T> Row(int row) => Values.Span.Slice(row * Width, Width);

    public bool IsFinite(int row)
    {
        foreach (T value in Row(row))
            if (!T.IsFinite(value))
                return false;
        return true;
    }
}
