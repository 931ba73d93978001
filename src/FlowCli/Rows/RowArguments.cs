using FlowRows.Buffers;
using FlowRows.Tables;

namespace FlowCli.Rows;

/// <summary>What a command says of the rows that it reads.</summary>
internal sealed record RowArguments
{
    /// <summary>The file; <c>-</c> for the standard input.</summary>
    public required string Path { get; init; }

    /// <summary>The columns to pass on; <c>*</c> for all.</summary>
    public string[] Keep { get; init; } = [];

    /// <summary>Whether columns are passed on only where the file names its columns.</summary>
    public bool KeepsIfNamed { get; init; }

    /// <summary>Whether columns that the model does not know are passed over.</summary>
    public bool IgnoreExtra { get; init; }

    /// <summary>Whether the first line of CSV holds names; null where it must tell itself.</summary>
    public bool? Header { get; init; }

    /// <summary>Whether an image's channels stand behind its height and width.</summary>
    public bool ChannelsLast { get; init; }

    /// <summary>What happens to a row that cannot be read.</summary>
    public OnError OnError { get; init; }

    /// <summary>Whether values of rows may be missing.</summary>
    public bool MayLack { get; init; }

    /// <summary>What a reader needs to know.</summary>
    public RowSource Source(RowLayout layout, RowPipe pipe, RowPool pool, bool isShort = true) => new(layout, pipe.Limits, pool)
    {
        IsShort = isShort,
        Header = Header,
        ChannelsLast = ChannelsLast,
        OnError = OnError,
        MayLack = MayLack,
    };
}
