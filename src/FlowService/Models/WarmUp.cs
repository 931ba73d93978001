using System.Diagnostics;
using FlowCore.Engines;
using FlowService.Batching;

namespace FlowService.Models;

/// <summary>Runs a model at several batch sizes, so that no request pays for what is done the first time.</summary>
internal static class WarmUp
{
    // A gibibyte of float32: a batch beyond it is not even tried.
    private const long MostValues = 1 << 28;

    private static readonly int[] Sizes = [1, 1, 8, 64, 512];

    /// <returns>The fewest rows that proved to be more than memory holds, twice as many as it does hold; null where it holds a whole batch.</returns>
    /// <param name="engine">The engine.</param>
    /// <param name="batchRows">The most rows in a batch.</param>
    /// <param name="cost">Learns what a row costs.</param>
    public static int? Run(FlowEngine<float> engine, int batchRows, RowCost cost)
    {
        int? tooMany = null;
        for (; (long)batchRows * engine.Width > MostValues && batchRows > 1; batchRows /= 2)
            tooMany = batchRows;
        batchRows = Math.Min(batchRows, engine.LargestNewBatch);
        foreach (int size in Sizes.Where(size => size < batchRows).Append(batchRows))
        {
            bool fits = true;
            for (int rows = size; !Fits(engine, rows, cost); rows /= 2)
                (tooMany, fits) = (rows, false);
            if (!fits)
                break;
        }
        return tooMany;
    }

    private static bool Fits(FlowEngine<float> engine, int rows, RowCost cost)
    {
        try
        {
            long began = Stopwatch.GetTimestamp();
            ProbeRows probe = ProbeRows.Draw(engine, rows, seed: 1, contextSeed: 2);
            long drawn = Stopwatch.GetTimestamp();
            engine.Forward(probe.X, probe.Context, new float[probe.X.Length], new float[rows], new float[rows]);
            cost.Seen(Direction.Inverse, rows, Stopwatch.GetElapsedTime(began, drawn));
            cost.Seen(Direction.Forward, rows, Stopwatch.GetElapsedTime(drawn));
            return true;
        }
        catch (Exception e) when (rows > 1 && OutOfMemory.Is(e))
        {
            return false;
        }
    }
}
