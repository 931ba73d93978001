using System.Numerics;
using FlowCore;
using FlowRows;
using FlowRows.Buffers;
using FlowRows.Tables;

namespace FlowCli.Rows;

/// <summary>The rows of a file for a model, and what each is conditioned on: among their columns, beside them, or the same for all.</summary>
internal sealed class RowInput<T> : IAsyncDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const int CountedAtOnce = 1 << 14;

    private readonly FlowSpec spec;
    private readonly string field;
    private readonly ContextSource<T>? contexts;
    private readonly Terminal terminal;
    private bool any;
    private long next, end = long.MaxValue;

    private RowInput(FlowSpec spec, string field, ContextSource<T>? contexts, RowPipe pipe, RowReader<T> reader, Terminal terminal) =>
        (this.spec, this.field, this.contexts, Pipe, Reader, this.terminal) = (spec, field, contexts, pipe, reader, terminal);

    public RowPipe Pipe { get; }

    public RowReader<T> Reader { get; }

    /// <summary>Is told, as rows are read, how many there were and what share of the input they are.</summary>
    public Action<long, double>? Progress { get; set; }

    /// <summary>The number of rows, where it is known.</summary>
    public long? Rows { get; private set; }

    /// <exception cref="FlowException">A file is missing, or is not what the model takes.</exception>
    public static async Task<RowInput<T>> OpenAsync(
        RowArguments input, string? contextFile, double[]? contextValues, string field, FlowSpec spec, RowPool pool, Terminal terminal)
    {
        if (contextFile == RowPipe.Standard && input.Path == RowPipe.Standard)
            throw new FlowException("--input and --context: the standard input can be only one of them");
        RowArguments? beside = contextFile is null ? null : input with { Path = contextFile, Keep = [], MayLack = false, OnError = OnError.Fail, ChannelsLast = false };
        ContextSource<T>? contexts = await ContextSource<T>.GivenAsync(spec, beside, contextValues, pool, terminal);
        RowPipe pipe = await RowPipe.OpenAsync(input.Path, terminal);
        // A body of JSON passes nothing on, so that a column which the model does not know is refused there, not lost.
        string[] keep = input.KeepsIfNamed && pipe.Format.IsWhole ? [] : input.Keep;
        var layout = new ModelLayout(spec.Name, spec, field, contexts is not null, keep, input.IgnoreExtra) { KeepsIfNamed = input.KeepsIfNamed };
        // Rows that come through a pipeline are answered as they come.
        RowSource source = input.Source(layout, pipe, pool, isShort: input.Path != RowPipe.Standard);
        RowReader<T> reader = await pipe.NamingAsync(async () => await pipe.Format.OpenAsync<T>(pipe.Bytes, source, terminal.Stop));
        return new(spec, field, contexts, pipe, reader, terminal) { Rows = reader.Rows };
    }

    /// <summary>The number of a file's rows.</summary>
    public static async Task<long> CountAsync(
        RowArguments input, string? contextFile, double[]? contextValues, string field, FlowSpec spec, RowPool pool, Terminal terminal)
    {
        await using RowInput<T> rows = await OpenAsync(input, contextFile, contextValues, field, spec, pool, terminal);
        while (rows.Rows is null && await rows.ReadAsync(CountedAtOnce) is { } block)
            block.Dispose();
        return rows.Rows ?? rows.next;
    }

    /// <summary>Passes over the rows before a part, and ends behind it.</summary>
    public async Task GoToAsync((long First, long End)? part, int most)
    {
        if (part is not { } rows)
            return;
        while (next < rows.First && await ReadAsync((int)Math.Min(most, rows.First - next)) is { } block)
            using (block)
                (await BesideAsync(block))?.Dispose();
        (end, any, Rows) = (rows.End, false, rows.End - rows.First);
    }

    /// <summary>The next rows; null at the end.</summary>
    public async Task<RowBlock<T>?> ReadAsync(int most)
    {
        bool whole = most == int.MaxValue && !any && end == long.MaxValue;
        int count = (int)Math.Min(most, end - next);
        RowBlock<T>? block = count == 0 ? null : await Pipe.NamingAsync(async () => whole ? await WholeAsync() : await Reader.ReadAsync(count, terminal.Stop));
        if (block is null)
            return null;
        any = true;
        next = block.First + block.Taken;
        Progress?.Invoke(next, Pipe.Share);
        return block;
    }

    /// <summary>What a block's rows are conditioned on, where that stands beside them; its owner is who asks.</summary>
    public async Task<RowBuffer<T>?> BesideAsync(RowBlock<T> block) => contexts is null ? null
        : await contexts.NextAsync(block.Taken, block.Numbers is { } numbers ? [.. numbers.Select(number => (int)(number - block.First))] : null, Pipe.Shown);

    /// <summary>What a block's rows are conditioned on, where that is among their columns.</summary>
    public async Task<RowBuffer<T>?> ContextOfAsync(RowBlock<T> block)
    {
        block.DeriveContext(spec, field);
        return (await Pipe.NamingAsync(() => Task.FromResult(ContextRows<T>.Of(block.Context, spec, spec.Name, block.Rows)))).Values;
    }

    /// <summary>All rows have been read: there must have been some, and there must not be more contexts.</summary>
    public async Task CheckEndAsync()
    {
        if (!any)
            throw new FlowException($"{Pipe.Shown}: {RowFault.NoRows("the body").Message}");
        if (contexts is not null && end == long.MaxValue)
            await contexts.CheckEndAsync(Pipe.Shown);
    }

    public async ValueTask DisposeAsync()
    {
        await Reader.DisposeAsync();
        await Pipe.DisposeAsync();
        if (contexts is not null)
            await contexts.DisposeAsync();
    }

    private async Task<RowBlock<T>?> WholeAsync()
    {
        RowBlock<T> block = await Reader.ReadAllAsync(terminal.Stop);
        if (block.Rows > 0)
            return block;
        block.Dispose();
        return null;
    }
}
