using Apache.Arrow;

namespace FlowRows.Tables;

/// <summary>Columns of a body that only pass through, as Arrow arrays whatever the body's format: one entry for each row.</summary>
/// <param name="batch">Holds them, maybe among others; disposed with this.</param>
/// <param name="columns">Which of its columns they are.</param>
/// <param name="memory">What holds the memory that the columns lie in, where that is not the batch itself; disposed with this.</param>
internal sealed class KeptColumns(RecordBatch batch, int[] columns, IDisposable? memory = null) : IDisposable
{
    private readonly IArrowArray?[] shortened = new IArrowArray?[columns.Length];

    // The rows that stay, as runs of neighbours; null where all do.
    private List<(int First, int Count)>? runs;

    public int Count => columns.Length;

    public Field Field(int index) => batch.Schema.GetFieldByIndex(columns[index]);

    public IArrowArray Array(int index)
    {
        IArrowArray all = batch.Column(columns[index]);
        return runs is null ? all : shortened[index] ??= runs.Count == 0
            ? ArrowArrayFactory.Slice(all, 0, 0)
            : ArrowArrayConcatenator.Concatenate([.. runs.Select(run => ArrowArrayFactory.Slice(all, run.First, run.Count))]);
    }

    /// <summary>Leaves rows out.</summary>
    public void Keep(ReadOnlySpan<bool> stays)
    {
        runs = [];
        for (int row = 0; row < stays.Length; row++)
            if (stays[row] && row > 0 && stays[row - 1])
                runs[^1] = (runs[^1].First, runs[^1].Count + 1);
            else if (stays[row])
                runs.Add((row, 1));
    }

    public void Dispose()
    {
        batch.Dispose();
        memory?.Dispose();
    }
}
