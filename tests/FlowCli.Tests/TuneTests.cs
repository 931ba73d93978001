using FlowCli.Benchmarking;

namespace FlowCli.Tests;

/// <summary>What is proposed for measurements that are given; what is measured is the machine's own.</summary>
public sealed class TuneTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(50);

    [Fact]
    public void The_smallest_batch_that_is_as_fast_as_any_is_taken()
    {
        TuneMeasurement[] measured = [Of(64, 1, 1, 500_000), Of(256, 1, 1, 985_000), Of(1024, 1, 1, 1_000_000), Of(4096, 1, 1, 990_000)];

        Assert.Equal(256, Tuning.BestBatch(measured, Patience).Setting.BatchRows);
    }

    [Fact]
    public void Noise_makes_differences_count_for_nothing()
    {
        TuneMeasurement[] measured = [Of(64, 1, 1, 800_000, 0.3), Of(256, 1, 1, 985_000, 0.3), Of(1024, 1, 1, 1_000_000, 0.3)];

        Assert.Equal(0.3, Tuning.Noise(measured), 1e-9);
        Assert.Equal(64, Tuning.BestBatch(measured, Patience).Setting.BatchRows);
    }

    [Fact]
    public void A_batch_that_takes_longer_than_a_request_may_wait_is_not_proposed()
    {
        TuneMeasurement[] measured = [Of(64, 1, 1, 1000), Of(256, 1, 1, 10_000), Of(1024, 1, 1, 12_000)]; // 64, 26 and 85 ms

        Assert.Equal(256, Tuning.BestBatch(measured, Patience).Setting.BatchRows);
        Assert.Equal(64, Tuning.BestBatch(measured, TimeSpan.FromMilliseconds(1)).Setting.BatchRows);
    }

    [Fact]
    public void Cores_that_gain_nothing_are_left_to_others()
    {
        TuneMeasurement[] measured = [Of(64, 1, 1, 100), Of(64, 1, 2, 190), Of(64, 2, 1, 191), Of(64, 1, 4, 192)];

        Assert.Equal(new TuneSetting(64, 2, 1), Tuning.BestCores(measured).Setting);
        Assert.Equal(new TuneSetting(64, 1, 1), Tuning.BestCores([Of(64, 1, 1, 100), Of(64, 1, 2, 101)]).Setting);
    }

    [Theory]
    [InlineData(1, "1x1")]
    [InlineData(2, "1x1 1x2 2x1")]
    [InlineData(6, "1x1 1x2 1x4 1x6 2x1 2x2 4x1 6x1")]
    public void No_division_takes_more_cores_than_there_are(int cores, string expected) =>
        Assert.Equal(expected, string.Join(' ', Tuning.CoreSettings(64, cores, spreads: true).Select(each => $"{each.Threads}x{each.Instances}")));

    [Fact]
    public void Cores_that_the_machine_lacks_are_refused() =>
        Cli.Run("tune", "--model", Cli.TwoMoons, "--seconds", "0.001", "--cores", $"{Environment.ProcessorCount + 1}").FailsWith(2, "--cores", $"has {Environment.ProcessorCount}");

    // Three repeats around a median.
    private static TuneMeasurement Of(int batch, int threads, int instances, double median, double spread = 0) =>
        new(new(batch, threads, instances), [median * (1 - spread / 2), median * (1 - spread / 2), median, median * (1 + spread / 2), median * (1 + spread / 2)]);
}
