using System.Numerics;
using System.Security.Cryptography;
using FlowCli.Commands;
using FlowCore;
using FlowRows;
using FlowRows.Answers;
using FlowRows.Buffers;

namespace FlowCli.Rows;

/// <summary>Rows drawn from a model, in the order [context, sample], block by block.</summary>
/// <param name="Count">How many, of each context.</param>
/// <param name="Seed">Which noise; null to draw a seed, and name it.</param>
/// <param name="Temperature">What scales it.</param>
/// <param name="ContextFile">The contexts, for a conditional model.</param>
/// <param name="ContextValues">Or the only one.</param>
/// <param name="Header">Whether the first line of the contexts holds names.</param>
/// <param name="Output">Where the rows go.</param>
/// <param name="OutputFormat">The format on standard output.</param>
/// <param name="Range">For a picture: the values shown as black and as full brightness.</param>
/// <param name="Type">The type of binary numbers.</param>
/// <param name="Include">What is asked for by name.</param>
internal sealed record SampleWork(
    int Count, ulong? Seed, double Temperature, string? ContextFile, double[]? ContextValues, bool? Header, string? Output, RowFormat? OutputFormat, double[]? Range,
    ElementType Type, HashSet<string> Include) : EngineWork(Type)
{
    protected override (string Path, bool AreContexts, bool ChannelsLast)? Images => ContextFile is null ? null : (ContextFile, true, false);

    protected override async Task RunAsync<T>(EngineRun<T> engine, int version, RowPool pool, Terminal terminal)
    {
        FlowSpec spec = engine.Spec;
        await using ContextSource<T>? contexts = await ContextsAsync<T>(spec, pool, terminal);
        ulong seed = Seed ?? Drawn(terminal);
        if (PictureOutput.IsPicture(Output))
        {
            var picture = new PictureOutput(terminal, Output!, spec, Range, contexts is null ? null : Count);
            await DrawAsync(engine, contexts, seed, terminal, engine.ChunkRows, (results, given) =>
            {
                picture.Add(results.Values!.Span, given);
                return Task.CompletedTask;
            });
            picture.Write();
            return;
        }
        await using var file = new RowAnswerFile<T>(terminal, Output, OutputFormat, Type, Include, contexts is null ? Count : null);
        await DrawAsync(engine, contexts, seed, terminal, file.IsWhole ? int.MaxValue : engine.ChunkRows, async (results, _) =>
        {
            var answer = new Answer<T>(spec.Name, version, results.LogProb.Length) { Seed = seed };
            using Answer<T> filled = RowOperation.Sample.Fill(answer, [], results, spec, Include, pool);
            await file.WriteAsync(filled, terminal.Stop);
        });
        await file.CompleteAsync(terminal.Stop);
    }

    private async Task DrawAsync<T>(EngineRun<T> engine, ContextSource<T>? contexts, ulong seed, Terminal terminal, int most, Func<RowResults<T>, T[], Task> write)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int width = engine.Spec.ContextWidth;
        if (contexts is null)
        {
            await DrawAsync(engine, [], 1, seed, 0, terminal, most, write);
            return;
        }
        long row = 0;
        var held = new List<T>(); // what is written whole is drawn at once
        while (await contexts.NextOrNoneAsync(engine.ChunkRows) is { } block)
            using (block)
            {
                held.AddRange(block.Span);
                if (most == int.MaxValue)
                    continue;
                await DrawAsync(engine, [.. held], held.Count / width, seed, row, terminal, most, write);
                row += (long)held.Count / width * Count;
                held.Clear();
            }
        if (held.Count > 0)
            await DrawAsync(engine, [.. held], held.Count / width, seed, row, terminal, most, write);
    }

    private async Task DrawAsync<T>(EngineRun<T> engine, T[] contexts, int count, ulong seed, long firstRow, Terminal terminal, int most, Func<RowResults<T>, T[], Task> write)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int width = engine.Spec.ContextWidth;
        long rows = (long)count * Count, done = 0;
        do
        {
            terminal.Stop.ThrowIfCancellationRequested();
            int part = (int)Math.Min(most, rows - done);
            var repeated = new T[part * width];
            for (int i = 0; i < part && width > 0; i++)
                contexts.AsSpan((int)((done + i) / Count) * width, width).CopyTo(repeated.AsSpan(i * width));
            using RowResults<T> results = engine.Sample(seed, firstRow + done, part, Temperature, repeated);
            await write(results, repeated);
            done += part;
        }
        while (done < rows);
    }

    private static ulong Drawn(Terminal terminal)
    {
        ulong seed = BitConverter.ToUInt32(RandomNumberGenerator.GetBytes(4));
        terminal.Error.WriteLine($"seed {seed}");
        return seed;
    }

    private async Task<ContextSource<T>?> ContextsAsync<T>(FlowSpec spec, RowPool pool, Terminal terminal)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        RowArguments? file = ContextFile is null ? null : new() { Path = ContextFile, Header = Header };
        ContextSource<T>? contexts = await ContextSource<T>.GivenAsync(spec, file, ContextValues, pool, terminal);
        if (contexts is null && spec.Context is { } context)
            throw new FlowException($"model '{spec.Name}' needs --context or --context-values: {context.Width} values a row");
        return contexts;
    }
}
