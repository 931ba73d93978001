using FlowCore.Engines;

namespace FlowService.Models;

/// <summary>Rows to try a model on: samples of its own, so that they lie where its density does, and the latents they were made from.</summary>
internal sealed record ProbeRows(int Rows, float[] Z, float[] X, float[] Context)
{
    public static ProbeRows Draw(FlowEngine<float> engine, int rows, ulong seed, ulong contextSeed)
    {
        float[] noise = new float[rows * engine.NoiseWidth], z = new float[rows * engine.Width], x = new float[z.Length];
        float[] context = Contexts(engine, rows, contextSeed), temperature = new float[rows];
        Array.Fill(temperature, 1);
        engine.DrawNoise(seed, 0, noise);
        engine.Latents(noise, context, temperature, z, new float[rows]);
        engine.Inverse(z, context, x, new float[rows], new float[rows]);
        return new(rows, z, x, context);
    }

    /// <summary>Each class in turn, or normal noise where the context is continuous.</summary>
    private static float[] Contexts(FlowEngine<float> engine, int rows, ulong seed)
    {
        var context = new float[rows * engine.ContextWidth];
        if (engine.Spec.Context is { Classes: { } classes })
            for (int row = 0; row < rows; row++)
                context[row] = row % classes;
        else if (context.Length > 0)
            FlowCore.Densities.Noise.FillNormal(seed, 0, engine.ContextWidth, context.AsSpan());
        return context;
    }
}
