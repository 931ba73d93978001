using System.Numerics;
using FlowCore.Calibration;
using FlowRows.Answers;
using FlowRows.Buffers;

namespace FlowRows.Scoring;

/// <summary>
/// Answers that wait in a temporary file until all rows, and with them the q-values, are known: memory stays bounded whatever their number. The
/// file is gone with this.
/// </summary>
/// <param name="ranks">What stands in the place of q-values.</param>
/// <param name="writer">Where the answers go.</param>
/// <param name="pool">Where buffers come from.</param>
internal sealed class RowsAside<T>(RankScale ranks, AnswerWriter<T> writer, RowPool pool) : IAsyncDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly TemporaryFile file = TemporaryFile.Create();
    private readonly RankedRows ranked = new(ranks);
    private readonly IUnrankedWriter<T> aside = writer as IUnrankedWriter<T> ?? new BatchesAside<T>(writer, pool);

    /// <summary>Lays some successive rows aside. The columns of all parts are the same.</summary>
    public ValueTask AddAsync(Answer<T> part, CancellationToken cancellation)
    {
        ranked.Count(part);
        return aside.LayAsideAsync(part, file, cancellation);
    }

    /// <summary>Writes all of them: there are no more.</summary>
    public async ValueTask WriteAsync(CancellationToken cancellation)
    {
        await file.RewindAsync(cancellation);
        await aside.WriteLaidAsideAsync(file, ranked, cancellation);
    }

    public ValueTask DisposeAsync() => file.DisposeAsync();
}
