using FlowCore.Bijections;
using FlowCore.Densities;

namespace FlowCore.Training;

/// <summary>
/// Rows as the learner sees them: standardised, rounded to float32 and, where the flow dequantises, spread over the cells of their
/// values by noise that is new in every epoch.
/// </summary>
internal sealed class TrainingRows
{
    private readonly float[] values, contexts;
    private readonly double[] cells, noise;
    private readonly Dequantize? dequantize;
    private readonly int width, contextWidth;
    private readonly ulong seed;
    private readonly uint stream;

    /// <param name="table">The rows in the data's units.</param>
    /// <param name="standardization">What is taken out of them.</param>
    /// <param name="flow">The flow, which may dequantise.</param>
    /// <param name="seed">The noise.</param>
    /// <param name="stream">Which noise of this seed: each set of rows has its own.</param>
    public TrainingRows(Table table, Standardization standardization, Flow flow, ulong seed, uint stream)
    {
        (values, width, this.seed, this.stream) = (standardization.Rows(table), table.Width, seed, stream);
        contexts = table.Context is { } given ? standardization.Contexts(given) : [];
        contextWidth = table.Context?.Width ?? 0;
        dequantize = flow.Bijections.OfType<Dequantize>().FirstOrDefault();
        double[] steps = dequantize?.Steps ?? [];
        noise = new double[steps.Length];
        cells = [.. steps.Zip(standardization.Scales, (step, scale) => step / scale)];
        Count = table.Rows;
    }

    public int Count { get; }

    /// <summary>All rows and their contexts, with the noise of no epoch.</summary>
    public (float[] Rows, float[] Contexts) All()
    {
        float[] rows = new float[Count * width], given = new float[Count * contextWidth];
        Take(RowOrder.First(Count), epoch: 0, rows, given);
        return (rows, given);
    }

    /// <summary>The same in float64.</summary>
    public Table AsTable()
    {
        var (rows, given) = All();
        return new Table(Wide(rows), width, context: contextWidth == 0 ? null : new Table(Wide(given), contextWidth));

        static double[] Wide(float[] values) => Array.ConvertAll(values, value => (double)value);
    }

    /// <summary>Copies the rows of these positions, and their contexts.</summary>
    public void Take(ReadOnlySpan<int> positions, uint epoch, Span<float> rows, Span<float> itsContexts)
    {
        for (int i = 0; i < positions.Length; i++)
        {
            int row = positions[i];
            values.AsSpan(row * width, width).CopyTo(rows[(i * width)..]);
            contexts.AsSpan(row * contextWidth, contextWidth).CopyTo(itsContexts[(i * contextWidth)..]);
            if (cells.Length > 0)
                Spread(rows.Slice(i * width, width), (uint)row, epoch);
        }
    }

    // x + u step with u uniform in the cell around 0, made of four numbers of one counter at a time.
    private void Spread(Span<float> row, uint number, uint epoch)
    {
        Span<uint> words = stackalloc uint[4];
        for (int i = 0; i < row.Length; i++)
        {
            if (i % 4 == 0)
                (words[0], words[1], words[2], words[3]) = Philox.At((uint)(i / 4), number, epoch, stream, (uint)seed, (uint)(seed >> 32));
            noise[i] = (words[i % 4] + 0.5) / (1L << 32);
        }
        dequantize!.ToCells(noise);
        for (int i = 0; i < row.Length; i++)
            if (cells[i] > 0)
                row[i] = (float)(row[i] + noise[i] * cells[i]);
    }
}
