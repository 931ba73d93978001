using System.Numerics;
using FlowCore;
using FlowRows;
using FlowRows.Answers;
using FlowRows.Buffers;
using FlowRows.Tables;

namespace FlowCli.Rows;

/// <summary>Rows of a file to rows of another, block by block, so that memory stays bounded whatever their number.</summary>
/// <param name="Operation">What is computed of them.</param>
/// <param name="Input">Where the rows are.</param>
/// <param name="ContextFile">Where their contexts are, where not among their columns.</param>
/// <param name="ContextValues">Or the one context of all rows.</param>
/// <param name="Output">Where the answer goes.</param>
/// <param name="OutputFormat">The format of the answer on the standard output.</param>
/// <param name="Type">The type of its binary numbers.</param>
/// <param name="Include">What is asked for by name.</param>
internal sealed record RowWork(
    RowOperation Operation, RowArguments Input, string? ContextFile, double[]? ContextValues, string? Output, RowFormat? OutputFormat, ElementType Type,
    HashSet<string> Include) : EngineWork(Type)
{
    protected override async Task RunAsync<T>(EngineRun<T> engine, int version, RowPool pool, Terminal terminal)
    {
        FlowSpec spec = engine.Spec;
        if (Output is not null && Output != RowPipe.Standard && Path.GetFullPath(Output) == Path.GetFullPath(Input.Path))
            throw new FlowException($"--output: is the same file as --input, {Input.Path}; the rows would be lost");
        await using ContextSource<T>? contexts = await ContextsAsync<T>(spec, pool, terminal);
        await using RowPipe pipe = await RowPipe.OpenAsync(Input.Path, terminal);
        var layout = new ModelLayout(spec.Name, spec, Operation.Input, contexts is not null, Input.Keep, Input.IgnoreExtra);
        // Rows that come through a pipeline are answered as they come.
        RowSource source = Input.Source(layout, pipe, pool, isShort: Input.Path != RowPipe.Standard);
        await using RowReader<T> reader = await pipe.NamingAsync(async () => await pipe.Format.OpenAsync<T>(pipe.Bytes, source, terminal.Stop));
        await using var answer = new RowAnswerFile<T>(terminal, Output, OutputFormat, Type, Include, Input.OnError == OnError.Skip ? null : reader.Rows);
        CarriedArguments.Check(pipe.Format, answer.Format, Input.Keep.Length > 0, Input.OnError, Input.ChannelsLast);
        // What cannot be written in parts is computed at once.
        int most = answer.IsWhole ? int.MaxValue : engine.ChunkRows;
        bool any = false;
        while (await pipe.NamingAsync(async () => most == int.MaxValue && !any ? await WholeAsync(reader, terminal.Stop) : await reader.ReadAsync(most, terminal.Stop)) is { } block)
        {
            using (block)
            {
                any = true;
                await AnswerAsync(engine, block, contexts, answer, version, pipe, pool, terminal);
            }
            if (answer.IsWhole)
                break;
        }
        if (!any)
            throw new FlowException($"{pipe.Shown}: {RowFault.NoRows("the body").Message}");
        if (contexts is not null)
            await contexts.CheckEndAsync(pipe.Shown);
        await answer.CompleteAsync(terminal.Stop);
    }

    private static async Task<RowBlock<T>?> WholeAsync<T>(RowReader<T> reader, CancellationToken stop)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        RowBlock<T> block = await reader.ReadAllAsync(stop);
        if (block.Rows > 0)
            return block;
        block.Dispose();
        return null;
    }

    private async Task AnswerAsync<T>(
        EngineRun<T> engine, RowBlock<T> block, ContextSource<T>? contexts, RowAnswerFile<T> file, int version, RowPipe pipe, RowPool pool, Terminal terminal)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        FlowSpec spec = engine.Spec;
        RowBuffer<T>? beside = contexts is null ? null
            : await contexts.NextAsync(block.Taken, block.Numbers is { } numbers ? [.. numbers.Select(number => (int)(number - block.First))] : null, pipe.Shown);
        RowBuffer<T>? context = beside ?? (await pipe.NamingAsync(() => Task.FromResult(ContextRows<T>.Of(block.Context, spec, spec.Name, block.Rows)))).Values;
        RowResults<T> results = engine.Compute(Operation, block.Values!.Values.Span, context is null ? [] : context.Span);
        beside?.Dispose();
        try
        {
            using Answer<T> answer = Operation.Fill(new Answer<T>(spec.Name, version, block.Rows), results, spec, Include, pool).With(block);
            await file.WriteAsync(answer, terminal.Stop);
        }
        finally
        {
            results.Dispose();
        }
    }

    private async Task<ContextSource<T>?> ContextsAsync<T>(FlowSpec spec, RowPool pool, Terminal terminal)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (ContextFile == RowPipe.Standard && Input.Path == RowPipe.Standard)
            throw new FlowException("--input and --context: the standard input can be only one of them");
        RowArguments? file = ContextFile is null ? null : Input with { Path = ContextFile, Keep = [], OnError = OnError.Fail, ChannelsLast = false };
        return await ContextSource<T>.GivenAsync(spec, file, ContextValues, pool, terminal);
    }
}
