using FlowCore;
using FlowCore.Densities;
using FlowCore.Engines;
using FlowRows.Buffers;

namespace FlowService.Batching;

/// <summary>
/// A batch's rows side by side. They are staged while another batch is computed, computed by calls of the engine, and copied out
/// to each caller while the next batch is computed. The buffers grow to the largest batch and stay.
/// </summary>
internal sealed class BatchBuffers(int width, int noiseWidth, int contextWidth)
{
    private float[] input = [], context = [], noise = [], sampleContext = [], temperature = [];
    private NoiseRow[] draws = [];
    private float[] values = [], logDet = [], logProb = [], logBase = [];
    private int rows, samples;

    /// <summary>Copies a slice in: the noise of samples by itself, rows of x or z where they are computed from.</summary>
    public void Stage(Slice slice)
    {
        WorkRows source = slice.Item.Input;
        if (slice.Item.Operation == Operation.Sample)
        {
            if (source.IsDrawnLater)
                source.CopyDraws(slice.First, slice.Rows, Grown(ref draws, samples, slice.Rows, 1));
            else
                source.CopyValues(slice.First, slice.Rows, noiseWidth, Grown(ref noise, samples, slice.Rows, noiseWidth));
            source.CopyContext(slice.First, slice.Rows, contextWidth, Grown(ref sampleContext, samples, slice.Rows, contextWidth));
            Grown(ref temperature, samples, slice.Rows, 1)[..slice.Rows].Fill(source.Temperature);
            samples += slice.Rows;
        }
        else
        {
            source.CopyValues(slice.First, slice.Rows, width, Grown(ref input, rows, slice.Rows, width));
            source.CopyContext(slice.First, slice.Rows, contextWidth, Grown(ref context, rows, slice.Rows, contextWidth));
            rows += slice.Rows;
        }
    }

    /// <summary>All is staged: makes room for the latents of samples before the others, and for the results.</summary>
    public void Seal()
    {
        if (samples > 0)
        {
            Grown(ref input, rows, samples, width);
            Grown(ref context, rows, samples, contextWidth);
            input.AsSpan(0, rows * width).CopyTo(input.AsSpan(samples * width));
            context.AsSpan(0, rows * contextWidth).CopyTo(context.AsSpan(samples * contextWidth));
            sampleContext.AsSpan(0, samples * contextWidth).CopyTo(context);
            Grown(ref logBase, 0, samples, 1);
            rows += samples;
        }
        Grown(ref values, 0, rows, width);
        Grown(ref logDet, 0, rows, 1);
        Grown(ref logProb, 0, rows, 1);
    }

    public void Forward(FlowEngine<float> engine, int from, int to, bool keepsValues) =>
        engine.Forward(Part(input, from, to, width), Part(context, from, to, contextWidth),
            keepsValues ? Part(values, from, to, width) : [], Part(logDet, from, to, 1), Part(logProb, from, to, 1));

    public void Inverse(FlowEngine<float> engine, int from, int to)
    {
        int drawn = Math.Min(to, samples), given = from;
        if (drawn > from && engine.DrawsNoise)
        {
            engine.Sample(draws.AsSpan(from, drawn - from), Part(context, from, drawn, contextWidth), Part(temperature, from, drawn, 1), Part(input, from, drawn, width),
                Part(logBase, from, drawn, 1), Part(values, from, drawn, width), Part(logDet, from, drawn, 1), Part(logProb, from, drawn, 1));
            given = drawn;
        }
        else if (drawn > from)
        {
            engine.Latents(Part(noise, from, drawn, noiseWidth), Part(context, from, drawn, contextWidth), Part(temperature, from, drawn, 1),
                Part(input, from, drawn, width), Part(logBase, from, drawn, 1));
        }
        if (to > given)
            engine.Inverse(Part(input, given, to, width), Part(context, given, to, contextWidth),
                Part(values, given, to, width), Part(logDet, given, to, 1), Part(logProb, given, to, 1));
        if (drawn > from)
            DownSampling.Of(engine.Spec)?.Settle<float>(Part(values, from, drawn, width), Part(context, from, drawn, contextWidth));
    }

    /// <summary>Copies the results of a slice to its caller; <paramref name="row"/> is where it stands in the batch.</summary>
    public void HandOut(Slice slice, int row)
    {
        WorkResults results = slice.Item.Results;
        if (results.KeepsValues)
            values.AsSpan(row * width, slice.Rows * width).CopyTo(results.Values.Span[(slice.First * width)..]);
        logDet.AsSpan(row, slice.Rows).CopyTo(results.LogDet.Span[slice.First..]);
        logProb.AsSpan(row, slice.Rows).CopyTo(results.LogProb.Span[slice.First..]);
        if (results.Latents is null)
            return;
        input.AsSpan(row * width, slice.Rows * width).CopyTo(results.Latents.Span[(slice.First * width)..]);
        SampleDensity.LogQ(logBase.AsSpan(row, slice.Rows), logDet.AsSpan(row, slice.Rows), logProb.AsSpan(row, slice.Rows),
            slice.Item.Input.Temperature, results.LogQ!.Span.Slice(slice.First, slice.Rows));
    }

    public void Clear() => (rows, samples) = (0, 0);

    private static Span<float> Part(float[] buffer, int from, int to, int width) => buffer.AsSpan(from * width, (to - from) * width);

    /// <summary>Room for more rows behind those that are there.</summary>
    private static Span<E> Grown<E>(ref E[] buffer, int rows, int more, int width)
    {
        int needed = checked((rows + more) * width);
        if (buffer.Length < needed)
            Array.Resize(ref buffer, Math.Max(needed, buffer.Length * 2));
        return buffer.AsSpan(rows * width);
    }
}
