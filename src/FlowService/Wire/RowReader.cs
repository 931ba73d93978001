using FlowService.Errors;
using FlowService.Limits;

namespace FlowService.Wire;

/// <summary>The rows of one body, a block after the other as they arrive. Each media type of rows has one.</summary>
/// <param name="source">What the rows are for, and the limits that hold.</param>
internal abstract class RowReader(RowSource source) : IAsyncDisposable
{
    private bool isWhole;

    protected RowSource Source => source;

    /// <summary>Whether a block is read full, rather than handed out as far as its rows have arrived.</summary>
    protected bool Waits => isWhole || source.IsShort;

    /// <summary>The rows handed out so far.</summary>
    protected long RowsRead { get; private set; }

    /// <summary>The number of rows, where the body says it before them.</summary>
    public virtual long? Rows => null;

    /// <summary>
    /// The next rows: those that are there, up to <paramref name="most"/>, at least one; null at the end. It waits for more only
    /// where the body is small enough to be waited for.
    /// </summary>
    /// <exception cref="RequestException">The body is not what its media type says, or a value is not a finite number: names the place.</exception>
    public async ValueTask<RowBlock?> ReadAsync(int most, CancellationToken cancellation)
    {
        var block = new RowBlock(source.Layout, RowsRead, source.Limits, source.Pool);
        try
        {
            await FillAsync(block, most, cancellation);
        }
        catch
        {
            block.Dispose();
            throw;
        }
        if (block.Rows == 0)
        {
            block.Dispose();
            return null;
        }
        RowsRead += block.Rows;
        if (RowsRead > source.Limits.StreamRows)
        {
            block.Dispose();
            throw new RequestException(ProblemKind.TooManyRows,
                $"the body has more than {source.Limits.StreamRows} rows; send them in several requests, or raise Limits:StreamRows");
        }
        return block;
    }

    /// <summary>All rows, within the limits for one request.</summary>
    public async ValueTask<RowBlock> ReadAllAsync(CancellationToken cancellation)
    {
        isWhole = true;
        var block = new RowBlock(source.Layout, 0, source.Limits, source.Pool);
        try
        {
            int before;
            do
            {
                before = block.Rows;
                await FillAsync(block, int.MaxValue, cancellation);
            }
            while (block.Rows > before);
            return block;
        }
        catch
        {
            block.Dispose();
            throw;
        }
    }

    /// <summary>Adds rows to a block, until it has so many.</summary>
    protected abstract ValueTask FillAsync(RowBlock block, int most, CancellationToken cancellation);

    public virtual ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>The refusal of a body that is not what its media type says.</summary>
    protected static RequestException Invalid(string problem) => new(ProblemKind.InvalidBody, problem);
}

/// <summary>What a reader of rows needs to know.</summary>
/// <param name="Layout">The columns that are wanted.</param>
/// <param name="Limits">What one request may bring.</param>
/// <param name="Pool">Where the rows are put.</param>
/// <param name="IsShort">The whole body fits into the server's buffer: a block is then read full, not handed out as far as it has arrived.</param>
internal sealed record RowSource(RowLayout Layout, LimitsOptions Limits, RowPool Pool, bool IsShort);
