using FlowCore.Engines;

namespace FlowService.Batching;

/// <summary>
/// The device thread's own buffers: a batch's rows side by side, computed by one call of the engine, and copied out to each
/// caller. They grow to the largest batch and stay.
/// </summary>
internal sealed class BatchBuffers
{
    private float[] input = [], context = [], values = [], latents = [], temperature = [], logDet = [], logProb = [], logBase = [];

    /// <summary>Computes the slices, hands each its rows, and says how many rows they were.</summary>
    public int Compute(FlowEngine<float> engine, Direction direction, ReadOnlySpan<Slice> slices)
    {
        int rows = 0, samples = 0;
        foreach (Slice slice in slices)
        {
            rows += slice.Rows;
            samples += slice.Item.Operation == Operation.Sample ? slice.Rows : 0;
        }
        GatherContext(engine.ContextWidth, rows, slices);
        if (direction == Direction.Forward)
            Forward(engine, rows, slices);
        else
            Inverse(engine, rows, samples, slices);
        Scatter(engine.Width, slices);
        return rows;
    }

    private void Forward(FlowEngine<float> engine, int rows, ReadOnlySpan<Slice> slices)
    {
        int width = engine.Width, row = 0;
        Span<float> x = Sized(ref input, rows * width);
        foreach (Slice slice in slices)
        {
            slice.Item.Input.CopyValues(slice.First, slice.Rows, width, x[(row * width)..]);
            row += slice.Rows;
        }
        engine.Forward(x, Context(engine, rows), Sized(ref values, rows * width), Sized(ref logDet, rows), Sized(ref logProb, rows));
    }

    private void Inverse(FlowEngine<float> engine, int rows, int samples, ReadOnlySpan<Slice> slices)
    {
        int width = engine.Width, row = 0;
        Span<float> noise = Sized(ref input, samples * engine.NoiseWidth);
        Span<float> z = Sized(ref latents, rows * width), scale = Sized(ref temperature, samples);
        foreach (Slice slice in slices)
        {
            if (row < samples)
            {
                slice.Item.Input.CopyValues(slice.First, slice.Rows, engine.NoiseWidth, noise[(row * engine.NoiseWidth)..]);
                scale.Slice(row, slice.Rows).Fill(slice.Item.Input.Temperature);
            }
            else
            {
                slice.Item.Input.CopyValues(slice.First, slice.Rows, width, z[(row * width)..]);
            }
            row += slice.Rows;
        }
        Span<float> drawn = Sized(ref logBase, samples);
        if (samples > 0)
            engine.Latents(noise, Context(engine, samples), scale, z[..(samples * width)], drawn);
        engine.Inverse(z, Context(engine, rows), Sized(ref values, rows * width), Sized(ref logDet, rows), Sized(ref logProb, rows));
    }

    private void GatherContext(int width, int rows, ReadOnlySpan<Slice> slices)
    {
        Span<float> target = Sized(ref context, rows * width);
        int row = 0;
        foreach (Slice slice in slices)
        {
            slice.Item.Input.CopyContext(slice.First, slice.Rows, width, target[(row * width)..]);
            row += slice.Rows;
        }
    }

    private void Scatter(int width, ReadOnlySpan<Slice> slices)
    {
        int row = 0;
        foreach (Slice slice in slices)
        {
            WorkResults results = slice.Item.Results;
            values.AsSpan(row * width, slice.Rows * width).CopyTo(results.Values.Span[(slice.First * width)..]);
            logDet.AsSpan(row, slice.Rows).CopyTo(results.LogDet.Span[slice.First..]);
            logProb.AsSpan(row, slice.Rows).CopyTo(results.LogProb.Span[slice.First..]);
            if (results.Latents is not null)
                ScatterSamples(width, row, slice, results);
            row += slice.Rows;
        }
    }

    /// <summary>log q(x) = log density of the latent drawn - log|det dx/dz|.</summary>
    private void ScatterSamples(int width, int row, Slice slice, WorkResults results)
    {
        latents.AsSpan(row * width, slice.Rows * width).CopyTo(results.Latents!.Span[(slice.First * width)..]);
        Span<float> logQ = results.LogQ!.Span.Slice(slice.First, slice.Rows);
        for (int i = 0; i < logQ.Length; i++)
            logQ[i] = logBase[row + i] - logDet[row + i];
    }

    private ReadOnlySpan<float> Context(FlowEngine<float> engine, int rows) => context.AsSpan(0, rows * engine.ContextWidth);

    private static Span<float> Sized(ref float[] buffer, int length)
    {
        if (buffer.Length < length)
            buffer = new float[Math.Max(length, buffer.Length * 2)];
        return buffer.AsSpan(0, length);
    }
}
