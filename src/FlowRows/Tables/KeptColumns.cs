using Apache.Arrow;
using Apache.Arrow.Types;
using FlowRows.Csv;
using FlowRows.Ndjson;

namespace FlowRows.Tables;

/// <summary>Columns of a body that only pass through, as Arrow arrays whatever the body's format: one entry for each row.</summary>
/// <param name="columns">Which of a batch's columns they are.</param>
internal sealed class KeptColumns(int[] columns) : IDisposable
{
    private readonly List<KeptBatch> batches = [];
    private readonly IArrowArray?[] joined = new IArrowArray?[columns.Length];
    private StringArray[]? cells;

    // The rows that stay, as runs of neighbours in one batch; null where all do.
    private List<Run>? runs;

    public int Count => LineNames?.Length ?? columns.Length;

    /// <summary>How many arrays hold them.</summary>
    public int Arrays => columns.Length;

    /// <summary>Whether the cells are JSON as it was written, rather than what it means.</summary>
    public bool IsJson { get; init; }

    /// <summary>The columns' names, where one array holds all the cells of a row as a line of CSV; else null.</summary>
    public string[]? LineNames { get; init; }

    /// <summary>The cells of each row as a line of CSV; null where each column has its array.</summary>
    public StringArray? Lines => LineNames is null ? null : (StringArray)AsHeld(0);

    /// <summary>Adds the next rows, which are disposed with this.</summary>
    public void Add(RecordBatch rows, IDisposable? memory = null) => batches.Add(new(rows, memory));

    public Field Field(int index) => LineNames is null ? HeldField(index) : new(LineNames[index], StringType.Default, nullable: false);

    /// <summary>A column as other formats take it.</summary>
    public IArrowArray Array(int index) => IsJson ? JsonCell.Text((StringArray)AsRead(index)) : AsRead(index);

    /// <summary>A column as it was read.</summary>
    public IArrowArray AsRead(int index) => Lines is { } lines ? (cells ??= CsvLines.Columns(lines, Count))[index] : AsHeld(index);

    /// <summary>What describes an array.</summary>
    public Field HeldField(int index) => batches[0].Rows.Schema.GetFieldByIndex(columns[index]);

    /// <summary>An array of all rows, as it is held.</summary>
    public IArrowArray AsHeld(int index) =>
        runs is null && batches is [var only] ? only.Rows.Column(columns[index]) : joined[index] ??= Joined(columns[index]);

    /// <summary>Leaves rows out.</summary>
    public void Keep(ReadOnlySpan<bool> stays)
    {
        runs = [];
        int row = 0;
        foreach (KeptBatch batch in batches)
            for (int i = 0; i < batch.Rows.Length; i++, row++)
                if (stays[row] && i > 0 && stays[row - 1])
                    runs[^1] = runs[^1] with { Count = runs[^1].Count + 1 };
                else if (stays[row])
                    runs.Add(new(batch.Rows, i, 1));
    }

    public void Dispose()
    {
        foreach (KeptBatch batch in batches)
        {
            batch.Rows.Dispose();
            batch.Memory?.Dispose();
        }
        batches.Clear(); // others read of the memory: it is given back once
    }

    private IArrowArray Joined(int column)
    {
        List<Run> all = runs ?? [.. batches.Select(batch => new Run(batch.Rows, 0, batch.Rows.Length))];
        return all.Count == 0
            ? ArrowArrayFactory.Slice(batches[0].Rows.Column(column), 0, 0)
            : ArrowArrayConcatenator.Concatenate([.. all.Select(run => ArrowArrayFactory.Slice(run.Rows.Column(column), run.First, run.Count))]);
    }

    private readonly record struct Run(RecordBatch Rows, int First, int Count);

    /// <summary>Some rows, and what holds the memory that they lie in, where that is not the batch itself.</summary>
    private readonly record struct KeptBatch(RecordBatch Rows, IDisposable? Memory);
}
