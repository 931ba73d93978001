using FlowRows.Buffers;

namespace FlowRows.Tables;

/// <summary>What a reader of rows needs to know.</summary>
/// <param name="Layout">The columns that are wanted.</param>
/// <param name="Limits">How much is read.</param>
/// <param name="Pool">Where the rows are put.</param>
internal sealed record RowSource(RowLayout Layout, RowLimits Limits, RowPool Pool)
{
    /// <summary>Everything is there, or will be without waiting for the answer: a block is then read full, not handed out as far as it has arrived.</summary>
    public bool IsShort { get; init; }

    /// <summary>Whether the first line of CSV holds names; null where it must tell itself.</summary>
    public bool? Header { get; init; }

    /// <summary>Whether an image's channels stand behind its height and width.</summary>
    public bool ChannelsLast { get; init; }

    /// <summary>Whether values of rows may be missing.</summary>
    public bool MayLack { get; init; }

    /// <summary>What happens to a row that cannot be read.</summary>
    public OnError OnError { get; init; }
}
