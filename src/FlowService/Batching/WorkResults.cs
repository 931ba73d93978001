using FlowRows.Buffers;
using FlowService.Models;

namespace FlowService.Batching;

/// <summary>Where a request's outputs go, row by row of the request, however it was cut into batches.</summary>
internal sealed class WorkResults : IDisposable
{
    private readonly RowBuffer<float>? values;

    public WorkResults(ServedModel model, Operation operation, WorkRows rows, RowPool pool, bool keepsValues)
    {
        if (keepsValues)
            values = pool.Rent<float>(checked(rows.Count * model.Width));
        LogDet = pool.Rent<float>(rows.Count);
        LogProb = pool.Rent<float>(rows.Count);
        if (operation != Operation.Sample)
            return;
        Latents = pool.Rent<float>(checked(rows.Count * model.Width));
        LogQ = pool.Rent<float>(rows.Count);
    }

    /// <summary>Those of a block of sound: none.</summary>
    public WorkResults(RowPool pool) => (LogDet, LogProb) = (pool.Rent<float>(0), pool.Rent<float>(0));

    /// <summary>Whether anybody asked for more of the rows than their densities.</summary>
    public bool KeepsValues => values is not null;

    /// <summary>z of data, or x of latents and samples.</summary>
    public RowBuffer<float> Values => values ?? throw new InvalidOperationException("the values of these rows are not kept");

    /// <summary>The log-determinant of the direction taken.</summary>
    public RowBuffer<float> LogDet { get; }

    /// <summary>The model's log density of the data.</summary>
    public RowBuffer<float> LogProb { get; }

    /// <summary>The latents that samples were made from.</summary>
    public RowBuffer<float>? Latents { get; }

    /// <summary>The log density that samples were really drawn from.</summary>
    public RowBuffer<float>? LogQ { get; }

    /// <summary>The outputs as answers are made of them.</summary>
    public RowResults<float> Rows => new(values, LogDet, LogProb, Latents, LogQ);

    /// <summary>Every output that there is.</summary>
    public IEnumerable<RowBuffer<float>> All => new[] { values, LogDet, LogProb, Latents, LogQ }.OfType<RowBuffer<float>>();

    public void Dispose()
    {
        values?.Dispose();
        LogDet.Dispose();
        LogProb.Dispose();
        Latents?.Dispose();
        LogQ?.Dispose();
    }
}
