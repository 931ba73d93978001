namespace FlowRows.Tables;

/// <summary>What happens to a row that cannot be read.</summary>
internal enum OnError
{
    /// <summary>All rows are refused.</summary>
    Fail,

    /// <summary>The row is left out; the answer says which rows it is of.</summary>
    Skip,

    /// <summary>The row is answered with nulls, and with the reason.</summary>
    Null,
}

/// <summary>Why some rows of a block could not be read: the first reason of each, by the row's place in the block.</summary>
/// <param name="firstAlone">Whether nobody asks for other reasons than the first.</param>
internal sealed class RowErrors(bool firstAlone = false)
{
    private readonly Dictionary<int, string> reasons = [];

    private int unseen;

    public int Count => reasons.Count;

    /// <summary>The rows among them that have a category which the model does not know.</summary>
    public int Unseen => unseen;

    /// <summary>Whether the next reason is of no use: to say it costs more than to read the row.</summary>
    public bool Suffice => firstAlone && Count > 0;

    /// <summary>The row cannot be read, and why is of no use.</summary>
    public void Add(int row) => reasons.TryAdd(row, "");

    public void Add(int row, string reason) => reasons.TryAdd(row, reason);

    public void Add(int row, RowFault fault)
    {
        if (reasons.TryAdd(row, fault.Message) && fault.Kind == RowFaultKind.UnseenCategory)
            unseen++;
    }

    /// <summary>Why the row could not be read, or null.</summary>
    public string? Of(int row) => reasons.GetValueOrDefault(row);

    public IEnumerable<int> Rows => reasons.Keys;

    /// <summary>The reason of the first row that could not be read; there must be one.</summary>
    public string First => reasons[reasons.Keys.Min()];
}
