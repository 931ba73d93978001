using FlowService.Errors;
using FlowService.Limits;
using FlowService.Tests.Support;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Options;
using static FlowService.Batching.Operation;

namespace FlowService.Tests.Batching;

/// <summary>One batch is gathered while another is computed.</summary>
public sealed class GatheringTests
{
    [Fact]
    public async Task While_all_engines_compute_the_next_batch_grows()
    {
        await using var bench = new Bench(batchRows: 8);
        Task held = await bench.HoldAsync();
        var asked = new List<Task<float[]>>();
        for (int i = 0; i < 12; i++)
            asked.Add(bench.AskAsync(i % 2 == 0 ? LogProb : Encode, 1, i));
        bench.Hook.Release();
        await Task.WhenAll([held, .. asked]);

        Assert.Equal(["forward 8", "forward 4"], bench.Batches);
    }

    [Fact]
    public async Task Two_instances_compute_side_by_side_and_share_a_large_request()
    {
        await using var bench = new Bench(batchRows: 4, instances: 2);
        bench.Hook.Hold();
        Task<float[]> large = bench.AskAsync(LogProb, 10, 5);
        await bench.Hook.Entered();
        await bench.Hook.Entered(); // would wait for ever on one instance

        Assert.Equal(["forward 4", "forward 4"], bench.Batches);
        bench.Hook.Release();
        bench.Hook.Release();
        Assert.Equal(Enumerable.Range(5, 10).Select(i => 2f * i), await large);
    }

    [Fact]
    public async Task With_a_delay_a_batch_waits_until_it_is_full()
    {
        var time = new ManualTime();
        await using var bench = new Bench(batchRows: 4, delayMicroseconds: 1000, time: time);
        Task<float[]>[] asked = [.. Enumerable.Range(0, 3).Select(i => bench.AskAsync(LogProb, 1, i))];
        await time.LookedAtAsync(20); // the delay is looked at again and again, and has not passed
        Assert.Empty(bench.Batches);
        await Task.WhenAll([.. asked, bench.AskAsync(LogProb, 1, 3)]);

        Assert.Equal(["forward 4"], bench.Batches);
    }

    [Theory]
    [InlineData(200)]
    [InlineData(3000)]
    public async Task With_a_delay_a_lone_request_leaves_when_it_has_passed_and_not_before(int microseconds)
    {
        var time = new ManualTime();
        await using var bench = new Bench(delayMicroseconds: microseconds, time: time);
        Task<float[]> asked = bench.AskAsync(LogProb, 1, 3);
        await time.LookedAtAsync(20);
        time.Advance(TimeSpan.FromMicroseconds(microseconds - 1));
        await time.LookedAtAsync(20);
        Assert.Empty(bench.Batches);
        time.Advance(TimeSpan.FromMicroseconds(1));

        Assert.Equal((float[])[6], await asked);
    }

    [Fact]
    public async Task A_caller_who_has_gone_leaves_the_batch_that_is_gathered_already()
    {
        await using var bench = new Bench(batchRows: 8);
        using MetricCollector<long> saved = bench.Metric<long>("flowservice.rows.saved");
        using var leave = new CancellationTokenSource();
        Task held = await bench.HoldAsync();
        Task<float[]> first = bench.AskAsync(Decode, 2, 10), gone = bench.AskAsync(Sample, 3, 20, gone: leave.Token), last = bench.AskAsync(Sample, 2, 30);
        Task late = bench.AskAsync(Decode, 1, 40, deadline: TimeSpan.FromMilliseconds(20));
        Assert.Equal(ProblemKind.DeadlinePassed, (await Assert.ThrowsAsync<RequestException>(() => late)).Kind);
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gone);
        Assert.Equal(4, bench.Queue.Rows);
        bench.Hook.Release();
        await Task.WhenAll(held, first, last);

        Assert.Equal(["inverse 4"], bench.Batches);
        Assert.Equal((float[])[20, 22], await first);
        Assert.Equal(await bench.AskAsync(Sample, 2, 30), await last);
        Assert.Equal([("deadline_passed", 1), ("client_gone", 3)], saved.GetMeasurementSnapshot().Select(each => ((string)each.Tags["reason"]!, each.Value)));
    }

    [Fact]
    public async Task A_running_request_whose_caller_goes_stops_at_its_next_slice_and_tells_the_rows_it_saved()
    {
        await using var bench = new Bench(batchRows: 4);
        using MetricCollector<long> saved = bench.Metric<long>("flowservice.rows.saved");
        using var leave = new CancellationTokenSource();
        bench.Hook.Hold();
        Task gone = bench.AskAsync(LogProb, 40, gone: leave.Token);
        await bench.Hook.Entered();
        await leave.CancelAsync();
        Assert.Equal(0, bench.Queue.Rows);
        Assert.False(gone.IsCompleted); // the device still reads its rows
        bench.Hook.Release();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gone);

        Assert.Equal(["forward 4"], bench.Batches);
        Assert.Equal([36L], saved.GetMeasurementSnapshot().Select(each => each.Value));
        Assert.Equal((float[])[2], await bench.AskAsync(LogProb, 1, 1));
    }

    [Fact]
    public async Task A_full_queue_tells_when_there_is_room_by_the_rate_that_was_measured()
    {
        var time = new ManualTime();
        await using var bench = new Bench(batchRows: 8, queueRows: 20, time: time);
        bench.Hook.Hold();
        Task<float[]> measured = bench.AskAsync(LogProb, 4);
        await bench.Hook.Entered();
        time.Advance(TimeSpan.FromSeconds(8)); // four rows in eight seconds
        bench.Hook.Release();
        await measured;
        Task held = await bench.HoldAsync();
        Task waiting = bench.AskAsync(LogProb, 15);

        RequestException refused = await Assert.ThrowsAsync<RequestException>(() => bench.AskAsync(LogProb, 11));

        Assert.Equal(ProblemKind.QueueFull, refused.Kind);
        // Six places too few, two seconds each; and up to half as long again, so that those who are refused together do not come back together.
        int[] advice = [.. Enumerable.Range(0, 200).Select(_ => bench.Model.Queue.RetryAfter(11))];
        Assert.All(advice.Append(refused.RetryAfter!.Value), seconds => Assert.InRange(seconds, 12, 18));
        Assert.InRange(advice.Distinct().Count(), 4, 7);
        bench.Hook.Release();
        await Task.WhenAll(held, waiting);
    }

    [Fact]
    public void Refusals_come_at_once_up_to_a_tenth_of_a_second_of_their_rate_and_then_at_that_rate()
    {
        var time = new ManualTime();
        var pace = new RefusalPace(Options.Create(new LimitsOptions { RefusalsPerSecond = 100.0 / Environment.ProcessorCount }), time);
        double[] Waits(int count) => [.. Enumerable.Range(0, count).Select(_ => pace.Take().TotalSeconds)];
        time.Advance(TimeSpan.FromSeconds(1.007));

        double[] waits = Waits(110);

        Assert.All(waits[..10], wait => Assert.Equal(0, wait));
        for (int i = 10; i < waits.Length; i++)
            Assert.InRange(waits[i], 0.01 * (i - 9) - 1e-6, 0.01 * (i - 9) + 0.02 + 1e-6); // together with those of the same fiftieth of a second
        time.Advance(TimeSpan.FromSeconds(100));
        waits = Waits(20_000);
        Assert.All(waits[..10], wait => Assert.Equal(0, wait)); // what was not used is not saved for longer
        Assert.InRange(waits[10], 0.01 - 1e-6, 0.04);
        Assert.InRange(waits[^1], 59.9, 60.1); // the longest wait
    }
}
