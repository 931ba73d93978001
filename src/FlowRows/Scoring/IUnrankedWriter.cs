using System.Numerics;
using FlowRows.Answers;

namespace FlowRows.Scoring;

/// <summary>Lays rows aside as an answer has them, but for their q-values, and puts these in once all rows are known: nothing else is written twice.</summary>
internal interface IUnrankedWriter<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Lays some successive rows aside, behind those before them.</summary>
    ValueTask LayAsideAsync(Answer<T> part, Stream aside, CancellationToken cancellation);

    /// <summary>Writes all that was laid aside, which is read from its start.</summary>
    ValueTask WriteLaidAsideAsync(Stream aside, RankedRows ranked, CancellationToken cancellation);
}
