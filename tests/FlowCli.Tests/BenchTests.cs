using FlowCli.Benchmarking;

namespace FlowCli.Tests;

public sealed class BenchTests
{
    [Fact]
    public void The_mean_batch_of_a_model_is_read_from_its_histogram()
    {
        const string text = """
            # TYPE flowservice_batch_rows histogram
            flowservice_batch_rows_bucket{model="a",operation="forward",version="1",le="1"} 3
            flowservice_batch_rows_sum{model="a",operation="forward",version="1"} 90
            flowservice_batch_rows_count{model="a",operation="forward",version="1"} 6
            flowservice_batch_rows_sum{model="b",operation="forward",version="1"} 1000
            flowservice_batch_rows_count{model="b",operation="forward",version="1"} 1
            flowservice_batch_rows_sum{model="a",operation="inverse",version="1"} 1e1
            flowservice_batch_rows_count{model="a",operation="inverse",version="1"} 4
            """;
        Assert.Equal(new BatchMetrics(100, 10), BatchMetrics.Parse(text, "a"));
        Assert.Equal(10, BatchMetrics.Parse(text, "a").MeanRows);
        Assert.Null(BatchMetrics.Parse(text, "c").MeanRows);
    }

    [Fact]
    public void A_service_that_is_not_there_is_one_clear_line() => Cli.Run(
        "bench", "--url", "http://localhost:1", "--model", "two-moons", "--models", Cli.Models, "--seconds", "1").FailsWith(1, "http://localhost:1");

    [Fact]
    public void A_model_that_is_not_there_is_one_clear_line() => Cli.Run(
        "bench", "--model", "three-moons", "--models", Cli.Models).FailsWith(1, "three-moons", "--models");
}
