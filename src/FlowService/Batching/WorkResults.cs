using FlowService.Models;
using FlowService.Wire;

namespace FlowService.Batching;

/// <summary>Where a request's outputs go, row by row of the request, however it was cut into batches.</summary>
internal sealed class WorkResults : IDisposable
{
    public WorkResults(ServedModel model, Operation operation, WorkRows rows, RowPool pool)
    {
        Values = pool.Rent(checked(rows.Count * model.Width));
        LogDet = pool.Rent(rows.Count);
        LogProb = pool.Rent(rows.Count);
        if (operation != Operation.Sample)
            return;
        Latents = pool.Rent(Values.Length);
        LogQ = pool.Rent(rows.Count);
    }

    /// <summary>z of data, or x of latents and samples.</summary>
    public RowBuffer Values { get; }

    /// <summary>The log-determinant of the direction taken.</summary>
    public RowBuffer LogDet { get; }

    /// <summary>The model's log density of the data.</summary>
    public RowBuffer LogProb { get; }

    /// <summary>The latents that samples were made from.</summary>
    public RowBuffer? Latents { get; }

    /// <summary>The log density that samples were really drawn from.</summary>
    public RowBuffer? LogQ { get; }

    /// <summary>Every output that there is.</summary>
    public IEnumerable<RowBuffer> All => new[] { Values, LogDet, LogProb, Latents, LogQ }.OfType<RowBuffer>();

    public void Dispose()
    {
        Values.Dispose();
        LogDet.Dispose();
        LogProb.Dispose();
        Latents?.Dispose();
        LogQ?.Dispose();
    }
}
