using FlowCore.Engines;

namespace FlowService.Models;

/// <summary>Runs a model at several batch sizes, so that no request pays for what is done the first time.</summary>
internal static class WarmUp
{
    private static readonly int[] Sizes = [1, 1, 8, 64, 512];

    public static void Run(FlowEngine<float> engine, int batchRows)
    {
        batchRows = Math.Min(batchRows, engine.LargestNewBatch);
        foreach (int rows in Sizes.Where(size => size < batchRows).Append(batchRows))
        {
            ProbeRows probe = ProbeRows.Draw(engine, rows, seed: 1, contextSeed: 2);
            engine.Forward(probe.X, probe.Context, new float[probe.X.Length], new float[rows], new float[rows]);
        }
    }
}
