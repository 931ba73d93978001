using FlowRows.Tables;

namespace FlowService.Shadow;

/// <summary>Rows of a request that are compared: one by chance of a small request, and every so many-th of a large one.</summary>
/// <param name="Of">The rows of the request.</param>
/// <param name="Count">How many are chosen, before those are left out that cannot be compared.</param>
/// <param name="Start">Where the first one lies.</param>
/// <param name="Step">From one to the next.</param>
internal readonly record struct RowSample(int Of, int Count, double Start, double Step)
{
    /// <summary>A share of the rows, and at most so many.</summary>
    public static RowSample Draw(int rows, double share, int most)
    {
        double step = rows / Math.Min(rows * share, most), start = Random.Shared.NextDouble() * step;
        return new(rows, start < rows ? (int)Math.Ceiling((rows - start) / step) : 0, start, step);
    }

    /// <summary>The rows that could be read, and lack no values.</summary>
    public int[] Rows(RowBlock<float>? block)
    {
        var rows = new List<int>(Count);
        for (int i = 0; i < Count; i++)
            if (Math.Min((int)(Start + i * Step), Of - 1) is var row && block?.Blanks?.Of(row) is null && (block?.Missing?.CountOf(row) ?? 0) == 0)
                rows.Add(row);
        return [.. rows];
    }
}
