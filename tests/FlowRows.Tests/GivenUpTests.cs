using System.IO.Pipelines;
using FlowCore;
using FlowRows.Answers;
using FlowRows.Buffers;
using FlowRows.Tables;

namespace FlowRows.Tests;

/// <summary>However reading ends, and wherever the client leaves, every buffer goes back to the pool.</summary>
public sealed class GivenUpTests
{
    private const int Rows = 60;

    private static readonly FlowSpec Model = new() { Name = "m", EventShape = [2], Bijections = [] };

    private static readonly string[] Kinds = ["good", "some bad", "all bad"];

    public static TheoryData<string, string> Bodies => [.. from format in RowFormats.Streamed from rows in Kinds select (format.MediaType, rows)];

    [Theory, MemberData(nameof(Bodies))]
    public async Task Every_buffer_goes_back_whenever_the_client_leaves(string type, string rows)
    {
        RowFormat format = RowFormats.OfMediaType(type)!;
        byte[] body = await BodyAsync(format, rows);
        foreach (OnError onError in Enum.GetValues<OnError>())
            foreach (int most in (int[])[7, 10 * Rows])
            {
                int reads = 1;
                while (await LeavesAsync(format, body, onError, most, reads))
                    reads++;
            }
    }

    [Theory, MemberData(nameof(Bodies))]
    public async Task Every_buffer_goes_back_from_a_body_that_is_cut_or_too_long(string type, string rows)
    {
        RowFormat format = RowFormats.OfMediaType(type)!;
        byte[] body = await BodyAsync(format, rows);
        RowLimits few = new(1 << 20, 1 << 20, Rows / 2, Rows / 4, Rows), small = few with { StreamBytes = 100, BodyBytes = 100 };
        foreach (OnError onError in Enum.GetValues<OnError>())
        {
            for (int length = 0; length < body.Length; length += 11)
                await GoesBackAsync(format, new MemoryStream(body, 0, length), onError, RowLimits.Files, 7, default);
            await GoesBackAsync(format, new MemoryStream(body), onError, few, 7, default);
            await GoesBackAsync(format, new MemoryStream(body), onError, small, 7, default);
        }
    }

    // Whether the client left before the end.
    private static async Task<bool> LeavesAsync(RowFormat format, byte[] body, OnError onError, int most, int reads)
    {
        using var leaves = new CancellationTokenSource();
        await GoesBackAsync(format, new Pieces(body, reads, leaves), onError, RowLimits.Files, most, leaves.Token);
        return leaves.IsCancellationRequested;
    }

    private static async Task GoesBackAsync(
        RowFormat format, Stream body, OnError onError, RowLimits limits, int most, CancellationToken cancellation)
    {
        var pool = new RowPool();
        var layout = new ModelLayout("m", Model, RowNames.X, hasContext: false, keep: ["*"]);
        var source = new RowSource(layout, limits, pool) { OnError = onError };
        try
        {
            await using RowReader<float> reader = await format.OpenAsync<float>(PipeReader.Create(body), source, cancellation);
            while (await reader.ReadAsync(most, cancellation) is { } block)
                block.Dispose();
        }
        catch (Exception e) when (e is RowFault or OperationCanceledException)
        {
            // One of the ends that are looked at here.
        }
        Assert.Equal(0, pool.Outstanding);
    }

    private static async Task<byte[]> BodyAsync(RowFormat format, string rows)
    {
        using var bytes = new MemoryStream();
        using RowBuffer<float> values = new RowPool().Rent<float>(2 * Rows);
        for (int i = 0; i < values.Length; i++)
            values.Span[i] = rows == "all bad" || (rows == "some bad" && i % 5 == 0) ? float.NaN : i / 4f;
        using Answer<float> answer = new Answer<float>("m", 1, Rows).AddData("x", values, Model);
        PipeWriter pipe = PipeWriter.Create(bytes, new(leaveOpen: true));
        AnswerWriter<float> writer = format.Writer<float>(pipe, new(Rows, ElementType.Float32, []));
        await writer.WriteAsync(answer, default);
        await writer.CompleteAsync(default);
        await pipe.CompleteAsync();
        return bytes.ToArray();
    }

    /// <summary>A body that arrives in pieces, whose sender leaves with one of them, its end included.</summary>
    private sealed class Pieces(byte[] body, int reads, CancellationTokenSource leaves) : MemoryStream(body)
    {
        private int read;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (++read == reads)
                leaves.Cancel();
            return new(Read(buffer.Span[..Math.Min(buffer.Length, 97)]));
        }
    }
}
