using FlowService.Models;
using FlowService.Wire;

namespace FlowService.Batching;

/// <summary>Where a request's outputs go, row by row of the request, however it was cut into batches.</summary>
internal sealed class WorkResults : IDisposable
{
    private readonly RowBuffer? values;

    public WorkResults(ServedModel model, Operation operation, WorkRows rows, RowPool pool, bool keepsValues)
    {
        if (keepsValues)
            values = pool.Rent(checked(rows.Count * model.Width));
        LogDet = pool.Rent(rows.Count);
        LogProb = pool.Rent(rows.Count);
        if (operation != Operation.Sample)
            return;
        Latents = pool.Rent(checked(rows.Count * model.Width));
        LogQ = pool.Rent(rows.Count);
    }

    /// <summary>Whether anybody asked for more of the rows than their densities.</summary>
    public bool KeepsValues => values is not null;

    /// <summary>z of data, or x of latents and samples.</summary>
    public RowBuffer Values => values ?? throw new InvalidOperationException("the values of these rows are not kept");

    /// <summary>The log-determinant of the direction taken.</summary>
    public RowBuffer LogDet { get; }

    /// <summary>The model's log density of the data.</summary>
    public RowBuffer LogProb { get; }

    /// <summary>The latents that samples were made from.</summary>
    public RowBuffer? Latents { get; }

    /// <summary>The log density that samples were really drawn from.</summary>
    public RowBuffer? LogQ { get; }

    /// <summary>Every output that there is.</summary>
    public IEnumerable<RowBuffer> All => new[] { values, LogDet, LogProb, Latents, LogQ }.OfType<RowBuffer>();

    public void Dispose()
    {
        values?.Dispose();
        LogDet.Dispose();
        LogProb.Dispose();
        Latents?.Dispose();
        LogQ?.Dispose();
    }
}
