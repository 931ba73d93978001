using FlowService.Batching;
using FlowService.Tests.Support;
using static FlowService.Batching.Operation;

namespace FlowService.Tests.Batching;

/// <summary>Who goes first, to the batch.</summary>
public sealed class PriorityTests
{
    [Fact]
    public async Task Interactive_requests_go_before_bulk_ones_that_came_first_and_were_gathered_already()
    {
        await using var bench = new Bench(batchRows: 8);
        Task held = await bench.HoldAsync();
        Task<float[]> bulk = bench.AskAsync(LogProb, 6, 10, priority: Priority.Bulk), more = bench.AskAsync(LogProb, 5, 20, priority: Priority.Bulk);
        Task<float[]> interactive = bench.AskAsync(LogProb, 3, 30);
        bench.Hook.Release();
        await Task.WhenAll(held, bulk, more, interactive);

        Assert.Equal(["forward 3", "forward 8", "forward 3"], bench.Batches);
        Assert.Equal((float[])[60, 62, 64], await interactive);
        Assert.Equal((float[])[40, 42, 44, 46, 48], await more);
    }

    [Fact]
    public async Task Bulk_requests_are_not_starved_by_a_stream_of_interactive_ones()
    {
        await using var bench = new Bench(batchRows: 4);
        Task held = await bench.HoldAsync();
        Task bulk = bench.AskAsync(LogProb, 3, 10, priority: Priority.Bulk);
        Task[] interactive = [.. Enumerable.Range(0, 12).Select(i => bench.AskAsync(LogProb, 4, 100 + 4 * i))];
        bench.Hook.Release();
        await Task.WhenAll([held, bulk, .. interactive]);

        Assert.Equal([.. Enumerable.Repeat("forward 4", 8), "forward 3", .. Enumerable.Repeat("forward 4", 4)], bench.Batches);
    }

    [Fact]
    public async Task A_small_request_behind_a_million_rows_waits_for_the_batch_that_is_computed()
    {
        const int First = 1000;
        await using var bench = new Bench(batchRows: 4096, queueRows: 2_000_000);
        bench.Hook.Hold();
        Task<float[]> large = bench.AskAsync(LogProb, 1_000_000, First);
        await bench.Hook.Entered(); // its first 4096 rows are being computed, the next ones are gathered
        Task<float[]> small = bench.AskAsync(Encode, 1, 7);
        await bench.Hook.StepAsync();

        Assert.Equal(["forward 4096", "forward 1"], bench.Batches);
        bench.Hook.Release();
        Assert.Equal((float[])[14], await small);
        float[] answer = await large;
        for (int i = 0; i < answer.Length; i++)
            Assert.True(answer[i] == 2f * (First + i), $"row {i} is {answer[i]}");
        Assert.Equal(1 + 245, bench.Batches.Length);
    }
}
