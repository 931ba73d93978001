using System.Runtime.CompilerServices;
using FlowService.Batching;
using FlowService.Models;
using FlowService.Wire;

namespace FlowService.Endpoints;

/// <summary>Some successive rows of a request, to be computed by themselves, and the block of the body that holds them.</summary>
internal sealed record RowPart(WorkRows Rows, RowBlock? Block = null) : IDisposable
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
        RowReader body, RowRequest request, ServedModel model, int most, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        while (await body.ReadAsync(most, cancellation) is { } block)
            yield return new RowPart(OperationServices.RowsOf(block.Values!, block.Context ?? request.Context, model), block);
    }

    /// <summary>Samples, drawn part after part.</summary>
    public static IEnumerable<RowPart> OfSamples(SampleRows samples, int most)
    {
        for (long first = 0; first < samples.Count; first += most)
            yield return new RowPart(samples.Part(first, (int)Math.Min(most, samples.Count - first)));
    }
}
