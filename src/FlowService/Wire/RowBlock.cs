using FlowService.Limits;

namespace FlowService.Wire;

/// <summary>Some successive rows of a body: their values, their context, and the columns that are only passed on.</summary>
internal sealed class RowBlock(RowLayout layout, long first, LimitsOptions limits, RowPool pool) : IDisposable
{
    /// <summary>The values; null where the operation takes none.</summary>
    public RowTable? Values { get; } = layout.Values.Length > 0 ? new(layout.Field, limits, pool) { First = first } : null;

    /// <summary>The context; null where the body brings none.</summary>
    public RowTable? Context { get; } = layout.Context.Length > 0 ? new(RequestField.Context, limits, pool) { First = first } : null;

    /// <summary>The columns that go into the answer as they are: one entry for each row.</summary>
    public KeptColumns? Kept { get; set; }

    /// <summary>The rows of the body that came before these.</summary>
    public long First => first;

    public int Rows => (Values ?? Context)?.Rows ?? 0;

    public void Dispose()
    {
        Values?.Dispose();
        Context?.Dispose();
        Kept?.Dispose();
    }
}
