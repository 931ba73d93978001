using Apache.Arrow;

namespace FlowService.Wire;

/// <summary>Columns of a body that only pass through, as Arrow arrays whatever the body's format: one entry for each row.</summary>
/// <param name="batch">Holds them, maybe among others; disposed with this.</param>
/// <param name="columns">Which of its columns they are.</param>
internal sealed class KeptColumns(RecordBatch batch, int[] columns) : IDisposable
{
    public int Count => columns.Length;

    public Field Field(int index) => batch.Schema.GetFieldByIndex(columns[index]);

    public IArrowArray Array(int index) => batch.Column(columns[index]);

    public void Dispose() => batch.Dispose();
}
