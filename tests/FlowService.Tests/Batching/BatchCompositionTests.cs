using FlowService.Tests.Support;
using static FlowService.Batching.Operation;

namespace FlowService.Tests.Batching;

/// <summary>The device's thread is held, requests are queued, it is released: the batches are exactly these.</summary>
public sealed class BatchCompositionTests
{
    [Fact]
    public async Task What_gathered_while_the_device_was_busy_is_one_batch()
    {
        await using var bench = new Bench(batchRows: 8);
        Task held = await bench.HoldAsync();
        Task<float[]>[] asked = [bench.AskAsync(LogProb, 1, 10), bench.AskAsync(Encode, 2, 20), bench.AskAsync(LogProb, 3, 30)];
        bench.Hook.Release();
        await Task.WhenAll([held, .. asked]);

        Assert.Equal(["forward 6"], bench.Batches);
        Assert.Equal((float[])[60, 62, 64], await asked[2]);
    }

    [Fact]
    public async Task A_lone_request_leaves_at_once()
    {
        await using var bench = new Bench();

        Assert.Equal((float[])[6f], await bench.AskAsync(LogProb, 1, 3));
        Assert.Equal(["forward 1"], bench.Batches);
    }

    [Fact]
    public async Task A_request_that_the_end_of_a_batch_cuts_goes_on_first_in_the_next()
    {
        await using var bench = new Bench(batchRows: 8);
        Task held = await bench.HoldAsync();
        Task<float[]> first = bench.AskAsync(LogProb, 5, 10), cut = bench.AskAsync(LogProb, 6, 20), last = bench.AskAsync(LogProb, 6, 30);
        bench.Hook.Release();
        await Task.WhenAll(held, first, cut, last);

        Assert.Equal(["forward 8", "forward 8", "forward 1"], bench.Batches);
        Assert.Equal((float[])[40, 42, 44, 46, 48, 50], await cut);
    }

    [Fact]
    public async Task A_small_request_behind_a_large_one_waits_for_one_batch_of_it()
    {
        await using var bench = new Bench(batchRows: 8);
        Task held = await bench.HoldAsync();
        Task<float[]> large = bench.AskAsync(LogProb, 30, 0), small = bench.AskAsync(LogProb, 1, 100);
        await bench.Hook.StepAsync(); // what held the device
        await bench.Hook.StepAsync(); // the small one: the large one has given way

        Assert.Equal((float[])[200], await small);
        Assert.Equal(["forward 1", "forward 8"], bench.Batches);
        Task<float[]> late = bench.AskAsync(LogProb, 1, 300); // the next eight rows of the large one are gathered already
        await bench.Hook.StepAsync();
        Assert.Equal(["forward 1", "forward 8", "forward 1"], bench.Batches);
        bench.Hook.Release();
        await Task.WhenAll(held, large);
        Assert.Equal(["forward 1", "forward 8", "forward 1", "forward 8", "forward 8", "forward 6"], bench.Batches);
        Assert.Equal((float[])[600], await late);
        Assert.Equal(Enumerable.Range(0, 30).Select(i => 2f * i), await large);
    }

    [Fact]
    public async Task Large_requests_and_directions_take_turns()
    {
        await using var bench = new Bench(batchRows: 4);
        Task held = await bench.HoldAsync();
        Task<float[]> a = bench.AskAsync(LogProb, 12, 0), b = bench.AskAsync(Decode, 6, 100), c = bench.AskAsync(LogProb, 5, 200);
        bench.Hook.Release();
        await Task.WhenAll(held, a, b, c);

        // forward: a c a c a, four rows of a or c each time and the one row that is left of c with three of a
        Assert.Equal(["forward 4", "inverse 4", "forward 4", "inverse 2", "forward 4", "forward 4", "forward 1"], bench.Batches);
    }

    [Fact]
    public async Task Samples_and_latents_share_a_batch_and_data_do_not()
    {
        await using var bench = new Bench(batchRows: 64);
        Task held = await bench.HoldAsync();
        Task<float[]>[] asked = [bench.AskAsync(Decode, 2, 5), bench.AskAsync(Sample, 3, 1), bench.AskAsync(LogProb, 4), bench.AskAsync(Sample, 1, 2)];
        bench.Hook.Release();
        await Task.WhenAll([held, .. asked]);

        Assert.Equal(["forward 4", "inverse 6"], bench.Batches.Order()); // which is first depends on when the gathering thread wakes
        Assert.Equal((float[])[10, 12], await asked[0]);
        Assert.Equal(await bench.AskAsync(Sample, 3, 1), await asked[1]);
    }

    [Fact]
    public async Task A_caller_who_has_gone_is_passed_over()
    {
        await using var bench = new Bench(batchRows: 8);
        using var leave = new CancellationTokenSource();
        Task held = await bench.HoldAsync();
        Task gone = bench.AskAsync(LogProb, 5, 10, gone: leave.Token), stays = bench.AskAsync(LogProb, 2, 20);
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gone);
        Assert.Equal(2, bench.Queue.Rows); // its places are free before its turn comes
        bench.Hook.Release();
        await Task.WhenAll(held, stays);

        Assert.Equal(["forward 2"], bench.Batches);
    }

    [Fact]
    public async Task A_caller_who_has_gone_before_asking_costs_nothing()
    {
        await using var bench = new Bench();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => bench.AskAsync(LogProb, 5, gone: new CancellationToken(true)));
        await bench.AskAsync(LogProb, 1);

        Assert.Equal(0, bench.Queue.Rows);
        Assert.Equal(0, bench.Pool.Outstanding);
    }
}
