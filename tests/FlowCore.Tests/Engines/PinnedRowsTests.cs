using FlowCore.Engines;
using TorchSharp;
using static TorchSharp.torch;

namespace FlowCore.Tests.Engines;

/// <summary>The way to a GPU and back, on whatever device the tests run: without a GPU the memory is not page-locked, and all else is the same.</summary>
[CollectionDefinition(nameof(PinnedRowsTests), DisableParallelization = true)] // it counts the process's tensors
[Collection(nameof(PinnedRowsTests))]
public sealed class PinnedRowsTests
{
    [Fact]
    public void Batches_of_any_size_arrive_whole_one_after_the_other()
    {
        using var rows = new PinnedRows<float>(TestDevice.Device);
        foreach (int count in new[] { 1, 64, 3, 1000, 1000, 2 })
        {
            using var scope = NewDisposeScope();
            float[] x = [.. Enumerable.Range(0, 3 * count).Select(i => i + 0.5f)], context = [.. Enumerable.Range(0, count).Select(i => -i - 1f)];
            // Two uploads of one computation must not share memory: both copies may still be under way.
            Tensor there = rows.Upload(x, count, 3), beside = rows.Upload(context, count, 1);
            float[] values = new float[x.Length], sums = new float[count], same = new float[count];
            rows.Download(there + beside, values, there.sum(1), sums, beside, same);
            for (int i = 0; i < count; i++)
            {
                Assert.Equal([x[3 * i] + context[i], x[3 * i + 1] + context[i], x[3 * i + 2] + context[i]], values[(3 * i)..(3 * i + 3)]);
                Assert.Equal(x[3 * i] + x[3 * i + 1] + x[3 * i + 2], sums[i]);
            }
            Assert.Equal(context, same);
        }
    }

    [Fact]
    public void Values_that_nobody_wants_stay_on_the_device()
    {
        using var scope = NewDisposeScope();
        using var rows = new PinnedRows<float>(TestDevice.Device);
        Tensor there = rows.Upload([1, 2, 3, 4], 2, 2);
        float[] sums = new float[2], largest = new float[2];

        rows.Download(there, [], there.sum(1), sums, there.amax([1]), largest);

        Assert.Equal([3, 7, 2, 4], sums.Concat(largest));
    }

    [Fact]
    public void Results_that_do_not_fit_are_refused()
    {
        using var scope = NewDisposeScope();
        using var rows = new PinnedRows<double>(TestDevice.Device);
        Tensor there = rows.Upload([1, 2, 3, 4], 2, 2);
        Assert.Contains("do not fill", Assert.Throws<RowException>(() => rows.Download(there, new double[3], there.sum(1), new double[2])).Message, StringComparison.Ordinal);
        Assert.Contains("do not fill", Assert.Throws<RowException>(() => rows.Download(there.to(float32), new double[4], there.sum(1).to(float32), new double[2])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Its_memory_outlives_the_computation_and_ends_with_the_engine()
    {
        long before = torch.Tensor.TotalCount;
        var rows = new PinnedRows<float>(TestDevice.Device);
        for (int i = 0; i < 3; i++)
        {
            using var scope = NewDisposeScope();
            Tensor there = rows.Upload(new float[8], 4, 2);
            rows.Download(there, new float[8], there.sum(1), new float[4]);
        }
        Assert.Equal(before + 1, torch.Tensor.TotalCount);
        rows.Dispose();
        Assert.Equal(before, torch.Tensor.TotalCount);
    }
}
