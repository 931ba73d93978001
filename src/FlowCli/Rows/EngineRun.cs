using System.Numerics;
using FlowCore;
using FlowCore.Calibration;
using FlowCore.Densities;
using FlowCore.Engines;
using FlowRows.Answers;
using FlowRows.Buffers;

namespace FlowCli.Rows;

/// <summary>An engine in pooled buffers: rows in, and what was computed of them out.</summary>
internal sealed class EngineRun<T>(FlowEngine<T> engine, RowPool pool) : IDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const int MostValues = 1 << 20, MostRows = 8192;

    public FlowSpec Spec => engine.Spec;

    /// <summary>The checkpoint's folder.</summary>
    public required string Folder { get; init; }

    /// <summary>Whether its images have another size than the checkpoint's: what is known of those says nothing of these.</summary>
    public bool IsResized { get; init; }

    /// <summary>What ordinary rows look like to it; null where nobody knows.</summary>
    public CalibrationSet? ReadCalibration() => IsResized ? null : CalibrationSet.Read(Folder, Spec);

    /// <summary>How many rows to compute at once: memory stays bounded whatever their number.</summary>
    public int ChunkRows { get; } = Math.Clamp(MostValues / Math.Max(engine.Width, engine.NoiseWidth), 1, MostRows);

    /// <summary>Where a part of a file may begin, for its rows to have the bits that they have in the whole.</summary>
    public int ShardStep => engine.SameBitsInAnyBatch ? 1 : ChunkRows;

    /// <summary>The outputs of an operation on rows of x or z; of some nobody asks for more than densities.</summary>
    public RowResults<T> Compute(RowOperation operation, ReadOnlySpan<T> rows, ReadOnlySpan<T> context, bool keepsValues = true)
    {
        int count = rows.Length / engine.Width;
        var results = new RowResults<T>(keepsValues ? pool.Rent<T>(rows.Length) : null, pool.Rent<T>(count), pool.Rent<T>(count));
        Span<T> values = results.Values is null ? [] : results.Values.Span;
        if (operation == RowOperation.Decode)
            engine.Inverse(rows, context, values, results.LogDet.Span, results.LogProb.Span);
        else
            engine.Forward(rows, context, values, results.LogDet.Span, results.LogProb.Span);
        return results;
    }

    /// <summary>The log densities of rows, and nothing else of them.</summary>
    public void LogProb(ReadOnlySpan<T> rows, ReadOnlySpan<T> context, Span<T> logProb)
    {
        using RowBuffer<T> logDet = pool.Rent<T>(logProb.Length);
        engine.Forward(rows, context, [], logDet.Span, logProb);
    }

    /// <summary>Rows firstRow, firstRow + 1, ... of a seed, of which each has its context.</summary>
    public RowResults<T> Sample(ulong seed, long firstRow, int count, double temperature, ReadOnlySpan<T> context)
    {
        using RowBuffer<NoiseRow> rows = pool.Rent<NoiseRow>(count);
        using RowBuffer<T> temperatures = pool.Rent<T>(count);
        RowBuffer<T> latents = pool.Rent<T>(count * engine.Width), logQ = pool.Rent<T>(count);
        var results = new RowResults<T>(pool.Rent<T>(latents.Span.Length), pool.Rent<T>(count), pool.Rent<T>(count)) { Latents = latents, LogQ = logQ };
        temperatures.Span.Fill(T.CreateTruncating(temperature));
        NoiseRow.Fill(rows.Span, seed, firstRow);
        engine.Sample(rows.Span, context, temperatures.Span, latents.Span, logQ.Span, results.Values!.Span, results.LogDet.Span, results.LogProb.Span);
        DownSampling.Of(engine.Spec)?.Settle(results.Values!.Span, context);
        SampleDensity.LogQ(logQ.Span, results.LogDet.Span, results.LogProb.Span, temperature, logQ.Span);
        return results;
    }

    public void Dispose() => engine.Dispose();
}
