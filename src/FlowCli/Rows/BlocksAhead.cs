using System.Numerics;
using FlowRows.Tables;

namespace FlowCli.Rows;

/// <summary>The blocks of an input, of which one is read while the one before it is computed and written.</summary>
/// <param name="input">The rows.</param>
/// <param name="most">The most rows of a block; all of them are one block where that is <see cref="int.MaxValue"/>.</param>
internal sealed class BlocksAhead<T>(RowInput<T> input, int most) : IAsyncDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private Task<RowBlock<T>?>? ahead;

    /// <summary>The next block, which its taker disposes of; null at the end.</summary>
    public async Task<RowBlock<T>?> NextAsync()
    {
        RowBlock<T>? block = await (ahead ?? input.ReadAsync(most));
        ahead = block is null || most == int.MaxValue ? Task.FromResult<RowBlock<T>?>(null) : Task.Run(() => input.ReadAsync(most));
        return block;
    }

    public async ValueTask DisposeAsync()
    {
        if (ahead is null)
            return;
        await ((Task)ahead).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (ahead.IsCompletedSuccessfully)
            (await ahead)?.Dispose();
    }
}
