using System.Numerics;

namespace FlowRows.Tables;

/// <summary>The rows of one body, a block after the other as they arrive. Each format has one.</summary>
/// <param name="source">What the rows are for, and the limits that hold.</param>
internal abstract class RowReader<T>(RowSource source) : IAsyncDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private bool isWhole, any;
    private string? firstReason;

    protected RowSource Source => source;

    /// <summary>The columns that are read; known once the beginning of the body is.</summary>
    public abstract RowColumns Columns { get; }

    /// <summary>The names of all columns of the body; null where it has none.</summary>
    public virtual IReadOnlyList<string>? Names => null;

    /// <summary>Whether a block is read full, rather than handed out as far as its rows have arrived.</summary>
    protected bool Waits => isWhole || source.IsShort;

    /// <summary>The rows handed out so far, those left out among them.</summary>
    protected long RowsRead { get; private set; }

    /// <summary>The number of rows, where the body says it before them.</summary>
    public virtual long? Rows => null;

    /// <summary>
    /// The next rows: those that are there, up to <paramref name="most"/>, at least one; null at the end. It waits for more only
    /// where the body is small enough to be waited for.
    /// </summary>
    /// <exception cref="RowFault">The body is not what its format says, or a value is not a finite number: names the place.</exception>
    public async ValueTask<RowBlock<T>?> ReadAsync(int most, CancellationToken cancellation)
    {
        while (true)
        {
            var block = new RowBlock<T>(Columns, RowsRead, source);
            try
            {
                await FillAsync(block, most, cancellation);
                block.Sift(source.OnError);
                Count(block);
                if (block.Rows > 0)
                    return block;
                cancellation.ThrowIfCancellationRequested(); // what is there already is read without a wait
            }
            catch
            {
                block.Dispose();
                throw;
            }
            block.Dispose();
            if (block.Taken == 0)
                return null;
        }
    }

    // Refuses more rows than may pass, and a body none of whose rows can be read: at its end, or when many have been tried.
    private void Count(RowBlock<T> block)
    {
        RowsRead += block.Taken;
        if (RowsRead > source.Limits.StreamRows)
            throw new RowFault(RowFaultKind.TooManyRows,
                $"the body has more than {source.Limits.StreamRows} rows; send them in several requests, or raise Limits:StreamRows");
        any |= block.Rows > 0;
        if (any)
            return;
        firstReason ??= block.Errors is { Count: > 0 } errors ? errors.First : null;
        bool ends = block.Taken == 0;
        if (firstReason is not null && (ends || RowsRead > source.Limits.RowsPerRequest))
            throw RowFault.NoneReadable(source.Layout.Field, firstReason, ends ? null : RowsRead);
    }

    /// <summary>All rows, within the limits for one request.</summary>
    public async ValueTask<RowBlock<T>> ReadAllAsync(CancellationToken cancellation)
    {
        isWhole = true;
        var block = new RowBlock<T>(Columns, 0, source);
        try
        {
            int before;
            do
            {
                before = block.Rows;
                await FillAsync(block, int.MaxValue, cancellation);
            }
            while (block.Rows > before);
            block.Sift(source.OnError);
            return block.Rows == 0 && block.Errors is { Count: > 0 } errors ? throw NoneReadable(errors.First) : block;
        }
        catch
        {
            block.Dispose();
            throw;
        }
    }

    /// <summary>Adds rows to a block, until it has so many.</summary>
    protected abstract ValueTask FillAsync(RowBlock<T> block, int most, CancellationToken cancellation);

    public virtual ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private RowFault NoneReadable(string reason) => RowFault.NoneReadable(source.Layout.Field, reason);

    /// <summary>The refusal of a body that is not what its format says.</summary>
    protected static RowFault Invalid(string problem) => new(RowFaultKind.InvalidBody, problem);
}
