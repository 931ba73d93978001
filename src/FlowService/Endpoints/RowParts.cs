using System.Runtime.CompilerServices;
using FlowRows.Tables;
using FlowService.Batching;
using FlowService.Requests;

namespace FlowService.Endpoints;

/// <summary>Some successive rows of a request, to be computed by themselves, and the block of the body that holds them.</summary>
internal sealed record RowPart(WorkRows Rows, RowBlock<float>? Block = null) : IDisposable
{
    public void Dispose()
    {
        Rows.Dispose();
        Block?.Dispose();
    }
}

/// <summary>A request's rows in parts.</summary>
internal static class RowParts
{
    /// <summary>The rows of a body, as they arrive.</summary>
    public static async IAsyncEnumerable<RowPart> OfBody(
        RowReader<float> body, RequestRun run, int most, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        while (await body.ReadAsync(most, cancellation) is { } block)
            yield return Part(block, run);
    }

    /// <summary>Samples, drawn part after part.</summary>
    public static IEnumerable<RowPart> OfSamples(SampleRows samples, int most)
    {
        for (long first = 0; first < samples.Count; first += most)
            yield return new RowPart(samples.Part(first, (int)Math.Min(most, samples.Count - first)));
    }

    private static RowPart Part(RowBlock<float> block, RequestRun run)
    {
        try
        {
            return new(run.Work(block), block);
        }
        catch
        {
            block.Dispose();
            throw;
        }
    }
}
