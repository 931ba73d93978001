using FlowCore.Engines;

namespace FlowService.Models;

/// <summary>Rows to try a model on: samples of its own, so that they lie where its density does, and the latents they were made from.</summary>
internal sealed record ProbeRows(int Rows, float[] Z, float[] X, float[] Context)
{
    private const int Seed = 1;

    private int Width => X.Length / Rows;

    /// <exception cref="InsufficientMemoryException">So many rows fill no array: fewer may.</exception>
    public static ProbeRows Draw(FlowEngine<float> engine, int rows, ulong seed, ulong contextSeed)
    {
        if ((long)rows * Math.Max(engine.Width, Math.Max(engine.NoiseWidth, engine.ContextWidth)) > Array.MaxLength)
            throw new InsufficientMemoryException($"{rows} rows of {engine.Width} values are more than an array holds");
        float[] noise = new float[rows * engine.NoiseWidth], z = new float[rows * engine.Width], x = new float[z.Length];
        float[] context = Contexts(engine, rows, contextSeed), temperature = new float[rows];
        Array.Fill(temperature, 1);
        engine.DrawNoise(seed, 0, noise);
        engine.Latents(noise, context, temperature, z, new float[rows]);
        engine.Inverse(z, context, x, new float[rows], new float[rows]);
        return new(rows, z, x, context);
    }

    /// <summary>
    /// Rows that no model drew: each value lies somewhere between those of two neighbouring samples, so that a row stays inside a box
    /// that holds the data, and the features forget what binds them.
    /// </summary>
    public double[] Own(int rows)
    {
        var random = new Random(Seed);
        return [.. Enumerable.Range(0, rows * Width).Select(i => X[i] + random.NextDouble() * ((double)X[(i + Width) % X.Length] - X[i]))];
    }

    /// <summary>How wide the samples spread in a column: half of the range of their middle two thirds; 1 where they do not.</summary>
    public double Spread(int column)
    {
        double[] values = Sorted(column);
        double spread = values.Length == 0 ? 0 : 0.5 * (values[values.Length * 5 / 6] - values[values.Length / 6]);
        return spread > 0 ? spread : 1;
    }

    /// <summary>The least and the largest sample of a column.</summary>
    public (double Low, double High) Range(int column) => Sorted(column) is [var low, .., var high] && high > low ? (low, high) : (-1, 1);

    private double[] Sorted(int column) =>
        [.. Enumerable.Range(0, Rows).Select(row => (double)X[row * Width + column]).Where(double.IsFinite).Order()];

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
