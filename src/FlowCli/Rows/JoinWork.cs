using System.Numerics;
using System.Text.Json;
using FlowCore;
using FlowRows;
using FlowRows.Answers;
using FlowRows.Buffers;
using FlowRows.Scoring;
using FlowRows.Tables;

namespace FlowCli.Rows;

/// <summary>The parts of a scored file to the whole, whose q-values all rows together have: what scoring the file at once would have written.</summary>
/// <param name="Paths">The parts, in any order.</param>
/// <param name="Output">Where the whole goes.</param>
/// <param name="OutputFormat">Its format on the standard output.</param>
internal sealed record JoinWork(string[] Paths, string? Output, RowFormat? OutputFormat)
{
    public async Task RunAsync(Terminal terminal)
    {
        (string Path, PartFacts Facts)[] parts = [.. await Task.WhenAll(Paths.Select(async path => (path, await PartFile.FactsAsync(path, terminal.Stop))))];
        Array.Sort(parts, static (a, b) => a.Facts.Shard.Index - b.Facts.Shard.Index);
        WholeFacts whole = Check(parts);
        string[] paths = [.. parts.Select(part => part.Path)];
        await (whole.Type == ElementType.Float32 ? JoinAsync<float>(paths, whole, terminal) : JoinAsync<double>(paths, whole, terminal));
    }

    private async Task JoinAsync<T>(string[] paths, WholeFacts whole, Terminal terminal)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var pool = new RowPool();
        await using var answer = new RowAnswerFile<T>(terminal, Output, OutputFormat, whole.Type, [.. whole.Include], whole.Rows);
        if (answer.IsWhole)
            throw new FlowException($"--output: parts are joined row by row, and {answer.Format.MediaType} is written as a whole: take CSV, Arrow, Parquet or JSON lines");
        CarriedArguments.Check(null, answer.Format, false, whole.Shape.HasErrors ? OnError.Null : OnError.Fail, false, whole.Shape.Reasons > 0);
        var ranked = new RankedRows(whole.Ranks);
        foreach (string path in paths)
            await foreach (Answer<T> part in PartFile.ReadAsync<T>(path, whole.Shape, pool))
                ranked.Count(part);
        foreach (string path in paths)
            await foreach (Answer<T> part in PartFile.ReadAsync<T>(path, whole.Shape, pool))
            {
                ranked.Complete(part);
                await answer.WriteAsync(part, terminal.Stop);
            }
        await answer.CompleteAsync(terminal.Stop);
    }

    private static WholeFacts Check((string Path, PartFacts Facts)[] parts)
    {
        (string first, PartFacts one) = parts[0];
        string common = JsonSerializer.Serialize(one.Of);
        long next = 0;
        for (int i = 0; i < parts.Length; i++)
        {
            (string path, PartFacts facts) = parts[i];
            if (facts.Of.Calibration != one.Of.Calibration && facts.Of.Weights == one.Of.Weights)
                throw new FlowException($"{path}: was scored with another calibration than {first}: score all parts anew, with one calibration");
            if (facts.Shard.Count != one.Shard.Count || JsonSerializer.Serialize(facts.Of) != common)
                throw new FlowException($"{path}: is a part of something else than {first}: all parts come from one file, by one model and with the same options");
            if (i > 0 && facts.Shard.Index == parts[i - 1].Facts.Shard.Index)
                throw new FlowException($"{path}: is part {facts.Shard}, as {parts[i - 1].Path} is");
            if (facts.First != next)
                throw new FlowException($"{path}: is part {facts.Shard}, whose rows begin at {facts.First}; those from {next} on are missing: give all parts");
            next = facts.End;
        }
        return next == one.Of.Rows ? one.Of : throw new FlowException($"{parts[^1].Path}: is part {parts[^1].Facts.Shard}, and not the last: give all parts");
    }
}
