using FlowRows.Tables;
using FlowService.Batching;

namespace FlowService.Requests;

/// <summary>The samples that a request asks for: so many of each context, side by side, of one stream of noise.</summary>
/// <param name="Count">The number of samples, of all contexts.</param>
/// <param name="PerContext">The number of each context.</param>
/// <param name="Context">The contexts; none for an unconditional model.</param>
/// <param name="Offset">The first row of the seed's noise.</param>
/// <param name="Seed">The seed.</param>
/// <param name="Temperature">The factor of the noise.</param>
internal sealed record SampleRows(long Count, long PerContext, ContextRows<float> Context, long Offset, ulong Seed, float Temperature)
{
    /// <summary>All of them, where they are few enough for one request.</summary>
    public WorkRows All => Part(0, checked((int)Count));

    /// <summary>Some successive samples.</summary>
    public WorkRows Part(long first, int rows) => new()
    {
        Count = rows,
        First = first,
        Context = Context.Values,
        RowsPerContext = Context.Count > 0 ? PerContext : 1,
        Offset = Offset + first,
        Seed = Seed,
        Temperature = Temperature,
    };
}
