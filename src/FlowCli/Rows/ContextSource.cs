using System.Numerics;
using FlowCore;
using FlowRows.Buffers;
using FlowRows.Tables;

namespace FlowCli.Rows;

/// <summary>The contexts of rows, read beside them: a row for each, or a single one for all.</summary>
internal sealed class ContextSource<T> : IAsyncDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly FlowSpec spec;
    private readonly RowPipe? pipe;
    private readonly RowReader<T>? reader;
    private readonly RowPool pool;
    private readonly CancellationToken stop;

    // What was read to see whether there is a second row.
    private RowBuffer<T>? first;
    private bool isSingle;

    private ContextSource(FlowSpec spec, RowPipe? pipe, RowReader<T>? reader, RowPool pool, CancellationToken stop) =>
        (this.spec, this.pipe, this.reader, this.pool, this.stop) = (spec, pipe, reader, pool, stop);

    /// <summary>The contexts that a command was given; null where it was given none.</summary>
    /// <exception cref="FlowException">The model takes none.</exception>
    public static async Task<ContextSource<T>?> GivenAsync(FlowSpec spec, RowArguments? file, double[]? values, RowPool pool, Terminal terminal)
    {
        if (file is null && values is not { Length: > 0 })
            return null;
        if (spec.Context is null)
            throw new FlowException(FlowSpec.TakesNoContext(spec.Name));
        return file is not null ? await OpenAsync(spec, file, pool, terminal) : Of(spec, values!, pool);
    }

    private static async Task<ContextSource<T>> OpenAsync(FlowSpec spec, RowArguments arguments, RowPool pool, Terminal terminal)
    {
        RowPipe pipe = await RowPipe.OpenAsync(arguments.Path, terminal);
        var layout = new ModelLayout(spec.Name, spec, RowNames.Context, hasContext: false, ignoresOthers: arguments.IgnoreExtra);
        RowReader<T> reader = await pipe.NamingAsync(async () => await pipe.Format.OpenAsync<T>(pipe.Bytes, arguments.Source(layout, pipe, pool), terminal.Stop));
        var source = new ContextSource<T>(spec, pipe, reader, pool, terminal.Stop);
        source.first = await source.ReadAsync(2);
        if (source.first.Length == 0)
            throw new FlowException($"{pipe.Shown}: {ContextRows<T>.None.Message}");
        source.isSingle = source.first.Length == spec.ContextWidth;
        return source;
    }

    /// <summary>One context for all rows.</summary>
    private static ContextSource<T> Of(FlowSpec spec, double[] values, RowPool pool)
    {
        if (values.Length != spec.ContextWidth)
            throw new FlowException($"--context-values: has {values.Length} values, model '{spec.Name}' takes {spec.ContextWidth}");
        RowBuffer<T> row = pool.RentEmpty<T>(values.Length);
        foreach (double value in values)
            row.Append(T.CreateTruncating(value));
        ContextRows<T>.Of(row, spec, spec.Name);
        return new(spec, null, null, pool, default) { first = row, isSingle = true };
    }

    /// <summary>The contexts of the next rows, each its own; those of rows that were left out are passed over.</summary>
    /// <param name="rows">The rows that the others' file had.</param>
    /// <param name="stays">The numbers, counted from 0, of those that are computed; null for all.</param>
    /// <param name="path">The others' file, for messages.</param>
    public async Task<RowBuffer<T>> NextAsync(int rows, IReadOnlyList<int>? stays, string path)
    {
        RowBuffer<T> all = isSingle ? Repeated(rows) : await TakeAsync(rows, path);
        if (stays is null)
            return all;
        int width = spec.ContextWidth;
        for (int i = 0; i < stays.Count; i++)
            all.Span.Slice(stays[i] * width, width).CopyTo(all.Span[(i * width)..]);
        all.Cut(stays.Count * width);
        return all;
    }

    /// <summary>The next few contexts themselves; null at the end.</summary>
    public async Task<RowBuffer<T>?> NextOrNoneAsync(int most)
    {
        RowBuffer<T> read = first ?? (reader is null ? pool.Rent<T>(0) : await ReadAsync(most));
        first = null;
        if (read.Length > 0)
            return read;
        read.Dispose();
        return null;
    }

    /// <summary>All rows have been read: there must not be more contexts.</summary>
    public async Task CheckEndAsync(string path)
    {
        if (isSingle)
            return;
        using RowBuffer<T>? more = await NextOrNoneAsync(1);
        if (more is not null)
            throw new FlowException($"{pipe!.Shown}: has more rows than {path}");
    }

    public async ValueTask DisposeAsync()
    {
        first?.Dispose();
        if (reader is not null)
            await reader.DisposeAsync();
        if (pipe is not null)
            await pipe.DisposeAsync();
    }

    private RowBuffer<T> Repeated(int rows)
    {
        RowBuffer<T> all = pool.Rent<T>(checked(rows * spec.ContextWidth));
        for (int row = 0; row < rows; row++)
            first!.Span.CopyTo(all.Span[(row * spec.ContextWidth)..]);
        return all;
    }

    private async Task<RowBuffer<T>> TakeAsync(int rows, string path)
    {
        int wanted = checked(rows * spec.ContextWidth);
        RowBuffer<T> all = pool.RentEmpty<T>(wanted);
        while (all.Length < wanted)
        {
            using RowBuffer<T>? next = await NextOrNoneAsync((wanted - all.Length) / spec.ContextWidth);
            if (next is null)
                throw new FlowException($"{pipe!.Shown}: ends too early: every row of {path} needs a context, or a single one serves all");
            int fits = Math.Min(next.Length, wanted - all.Length);
            next.Span[..fits].CopyTo(all.Reserve(fits));
            all.Advance(fits);
            if (fits < next.Length)
            {
                first = pool.Rent<T>(next.Length - fits);
                next.Span[fits..].CopyTo(first.Span);
            }
        }
        return all;
    }

    private async Task<RowBuffer<T>> ReadAsync(int most) => await pipe!.NamingAsync(async () =>
    {
        using RowBlock<T>? block = await reader!.ReadAsync(most, stop);
        if (block is null)
            return pool.Rent<T>(0);
        RowBuffer<T> values = ContextRows<T>.Of(block.Context, spec, spec.Name).Values!;
        RowBuffer<T> copy = pool.Rent<T>(values.Length);
        values.Span.CopyTo(copy.Span);
        return copy;
    });
}
