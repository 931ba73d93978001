using System.IO.Pipelines;
using System.Numerics;
using System.Text.Json;
using Apache.Arrow;
using Apache.Arrow.Ipc;
using FlowCore;
using FlowCore.Calibration;
using FlowRows.Answers;
using FlowRows.Arrow;
using FlowRows.Buffers;
using FlowRows.Scoring;

namespace FlowCli.Rows;

/// <summary>What a part says of itself: with the others it is the whole, if they agree on all but which one it is.</summary>
/// <param name="Shard">Which part it is.</param>
/// <param name="First">The first of its rows in the input.</param>
/// <param name="End">The first behind them.</param>
/// <param name="Of">What all parts have in common.</param>
internal sealed record PartFacts(Shard Shard, long First, long End, WholeFacts Of);

/// <summary>What all parts of a whole have in common.</summary>
/// <param name="Rows">The rows of the input.</param>
/// <param name="Weights">The hash of the model's weights.</param>
/// <param name="Calibration">The hash of its calibration.</param>
/// <param name="Type">The type of its numbers.</param>
/// <param name="Scores">What was wanted of the rows' scores.</param>
/// <param name="Ranks">What stands in the place of q-values.</param>
/// <param name="Include">What was asked for by name.</param>
/// <param name="Shape">The answer's columns.</param>
internal sealed record WholeFacts(
    long Rows, string Weights, string? Calibration, ElementType Type, ScoreArguments Scores, RankScale Ranks, string[] Include, AnswerShape Shape);

/// <summary>
/// A part of a scored file that waits for the others, <c>NAME.part</c>: a stream of Arrow record batches, ranks in the place of q-values, and
/// <see cref="PartFacts"/> in its schema.
/// </summary>
internal static class PartFile
{
    public const string Extension = ".part";

    private const string Key = "flow.part";

    public static bool Is(string? path) => path?.EndsWith(Extension, StringComparison.OrdinalIgnoreCase) is true;

    /// <summary>Writes the answers to a part's rows; the file appears under its name when it is whole.</summary>
    public static async Task WriteAsync<T>(string path, IAsyncEnumerable<Answer<T>> answers, Func<AnswerShape, PartFacts> facts, CancellationToken stop)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        using var file = new UnfinishedFile(path);
        PipeWriter pipe = PipeWriter.Create(file.Stream, new StreamPipeWriterOptions(leaveOpen: true));
        ArrowAnswerWriter<T>? writer = null;
        await Behind.ForEachAsync(answers, async answer =>
        {
            writer ??= new(pipe, AnswerOptions.AsRead<T>(new Dictionary<string, string>(StringComparer.Ordinal) { [Key] = JsonSerializer.Serialize(facts(AnswerShape.Of(answer))) }));
            await writer.WriteAsync(answer, stop);
            await pipe.FlushAsync(stop);
        });
        if (writer is null)
            return;
        await writer.CompleteAsync(stop);
        await pipe.CompleteAsync();
        file.Complete();
    }

    /// <summary>Reads what a part says of itself.</summary>
    /// <exception cref="FlowException">It is no part.</exception>
    public static async Task<PartFacts> FactsAsync(string path, CancellationToken stop)
    {
        try
        {
            using ArrowStreamReader arrow = Open(path);
            Schema schema = await arrow.GetSchema(stop);
            if (schema.HasMetadata && schema.Metadata.TryGetValue(Key, out string? text) && JsonSerializer.Deserialize<PartFacts>(text) is { } facts)
                return facts;
        }
        catch (Exception e) when (e is not (FlowException or OperationCanceledException or UnauthorizedAccessException))
        {
            // The bytes of something else, at which the readers of Arrow and JSON fail in many ways.
        }
        throw new FlowException($"{path}: is no part of a scored file, or is damaged: flow score --shard i/n --output NAME{Extension} writes such");
    }

    /// <summary>The answers of a part; each is disposed of when the next one is asked for.</summary>
    public static async IAsyncEnumerable<Answer<T>> ReadAsync<T>(string path, AnswerShape shape, RowPool pool)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        using ArrowStreamReader arrow = Open(path);
        while (await arrow.ReadNextRecordBatchAsync() is { } batch)
            using (batch)
            using (Answer<T> answer = shape.Read<T>(batch, pool))
                yield return answer;
    }

    private static ArrowStreamReader Open(string path) =>
        File.Exists(path) ? new(File.OpenRead(path)) : throw new FlowException($"{path}: {(Directory.Exists(path) ? "is a folder" : "not found")}");
}
