using FlowService.Errors;
using FlowService.Models;
using FlowService.Tests.Support;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using static FlowService.Batching.Operation;

namespace FlowService.Tests.Batching;

public sealed class FailingBatchTests
{
    [Fact]
    public async Task A_batch_that_fails_fails_only_the_guilty_caller()
    {
        await using var bench = new Bench(batchRows: 64);
        Task held = await bench.HoldAsync();
        Task<float[]> before = bench.AskAsync(LogProb, 3, 10), guilty = bench.AskAsync(LogProb, 3, EngineHook.Poison), after = bench.AskAsync(Encode, 2, 20);
        bench.Hook.Release();
        await held;

        await Assert.ThrowsAsync<InvalidOperationException>(() => guilty);
        Assert.Equal((float[])[20, 22, 24], await before);
        Assert.Equal((float[])[40, 42], await after);
        Assert.Equal(["forward 8", "forward 3", "forward 5", "forward 3", "forward 2"], bench.Batches);
        Assert.Equal(0, bench.Queue.Rows);
    }

    [Fact]
    public async Task A_large_request_that_fails_in_one_slice_costs_no_further_ones()
    {
        await using var bench = new Bench(batchRows: 4);
        Task held = await bench.HoldAsync();
        Task<float[]> guilty = bench.AskAsync(LogProb, 40, EngineHook.Poison - 5);
        bench.Hook.Release();
        await held;

        await Assert.ThrowsAsync<InvalidOperationException>(() => guilty);
        Assert.Equal((float[])[2f], await bench.AskAsync(LogProb, 1, 1));
        Assert.Equal(["forward 4", "forward 4", "forward 1"], bench.Batches);
        Assert.Equal(0, bench.Queue.Rows);
        Assert.Equal(0, bench.Pool.Outstanding);
    }

    [Fact]
    public async Task The_loop_goes_on_after_any_number_of_failures()
    {
        await using var bench = new Bench();
        bench.Hook.Fault = new InsufficientMemoryException();
        for (int i = 0; i < 20; i++)
            await Assert.ThrowsAsync<InsufficientMemoryException>(() => bench.AskAsync(Sample, 3));
        bench.Hook.Fault = null;

        Assert.Equal((float[])[2f], await bench.AskAsync(LogProb, 1, 1));
    }

    [Fact]
    public async Task Where_memory_is_out_a_batch_is_computed_in_parts_and_later_ones_are_smaller()
    {
        await using var bench = new Bench(batchRows: 16);
        bench.Hook.MemoryRows = 5;
        Task held = await bench.HoldAsync();
        Task<float[]> large = bench.AskAsync(LogProb, 11, 10), small = bench.AskAsync(LogProb, 5, 30);
        bench.Hook.Release();
        await Task.WhenAll(held, large, small);

        Assert.Equal(["forward 16", "forward 8", "forward 4", "forward 4", "forward 8", "forward 4", "forward 4"], bench.Batches);
        Assert.Equal(Enumerable.Range(10, 11).Select(i => 2f * i), await large);
        Assert.Equal((float[])[60, 62, 64, 66, 68], await small);
        Assert.Equal(4, bench.Queue.BatchRows);
        bench.Hook.Batches.Clear();
        Assert.Equal(Enumerable.Range(0, 9).Select(i => 2f * i), await bench.AskAsync(LogProb, 9));
        Assert.Equal(["forward 4", "forward 4", "forward 1"], bench.Batches);
    }

    [Fact]
    public async Task Memory_that_holds_no_single_row_fails_the_callers_and_the_model_goes_on()
    {
        await using var bench = new Bench(batchRows: 4);
        bench.Hook.MemoryRows = 0;
        await Assert.ThrowsAnyAsync<System.Runtime.InteropServices.ExternalException>(() => bench.AskAsync(LogProb, 9));
        bench.Hook.MemoryRows = int.MaxValue;

        Assert.Equal((float[])[2f], await bench.AskAsync(LogProb, 1, 1));
        Assert.Equal(0, bench.Queue.Rows);
        Assert.Equal(0, bench.Pool.Outstanding);
    }

    [Fact]
    public async Task Failures_are_counted_by_reason()
    {
        await using var bench = new Bench(batchRows: 8);
        using MetricCollector<long> failures = bench.Metric<long>("flowservice.batch.failures");
        await Assert.ThrowsAsync<InvalidOperationException>(() => bench.AskAsync(LogProb, 1, EngineHook.Poison));
        bench.Hook.MemoryRows = 1;
        await bench.AskAsync(Decode, 2);

        Assert.Equal(["forward/fault", "inverse/out_of_memory"], failures.GetMeasurementSnapshot().Select(each => $"{each.Tags["operation"]}/{each.Tags["reason"]}"));
    }

    [Fact]
    public async Task A_full_queue_refuses_and_gives_the_places_back()
    {
        await using var bench = new Bench(batchRows: 8, queueRows: 20);
        Task held = await bench.HoldAsync();
        Task waiting = bench.AskAsync(LogProb, 15);

        RequestException refused = await Assert.ThrowsAsync<RequestException>(() => bench.AskAsync(Sample, 6));

        Assert.Equal(ProblemKind.QueueFull, refused.Kind);
        Assert.Equal(15, bench.Queue.Rows);
        Task fits = bench.AskAsync(LogProb, 5);
        bench.Hook.Release();
        await Task.WhenAll(held, waiting, fits);
        Assert.Equal(0, bench.Queue.Rows);
    }

    [Fact]
    public async Task What_was_accepted_is_computed_when_the_queue_closes_and_what_comes_later_is_refused()
    {
        await using var bench = new Bench(batchRows: 8);
        Task held = await bench.HoldAsync();
        Task<float[]> accepted = bench.AskAsync(LogProb, 20);
        Task ended = bench.Model.RetireAsync();
        RequestException late = await Assert.ThrowsAsync<RequestException>(() => bench.AskAsync(LogProb, 1));
        bench.Hook.Release();

        await held;
        Assert.Equal(20, (await accepted).Length);
        Assert.Equal(ProblemKind.NotReady, late.Kind);
        await ended;
    }

    [Fact]
    public async Task A_model_that_leaves_is_disposed_of_on_its_own_thread_after_its_work()
    {
        await using var bench = new Bench(batchRows: 4);
        ServedModel leaving = bench.Serve("leaving", new ArithmeticEngine(1));
        bench.Hook.Hold();
        Task<float[]> accepted = bench.AskAsync(LogProb, 10, 0, leaving);
        await bench.Hook.Entered();
        Assert.True(leaving.TryLease());
        Task ended = leaving.RetireAsync();
        Task<float[]> leased = bench.AskAsync(LogProb, 1, 5, leaving); // its request had found the model before
        bench.Hook.Release();

        Assert.Equal(10, (await accepted).Length);
        Assert.Equal((float[])[10], await leased);
        Assert.Equal(0, bench.Hook.DisposedEngines);
        leaving.EndLease();
        await ended;
        Assert.Equal(1, bench.Hook.DisposedEngines);
        Assert.False(leaving.TryLease());
        Assert.Equal(ProblemKind.NotReady, (await Assert.ThrowsAsync<RequestException>(() => bench.AskAsync(LogProb, 1, 0, leaving))).Kind);
        Assert.Equal(0, leaving.Queue.Rows);
    }
}
