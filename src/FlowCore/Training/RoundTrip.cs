using System.Numerics;
using FlowCore.Engines;

namespace FlowCore.Training;

/// <summary>Rows that went to their latents and came back.</summary>
/// <param name="X">The rows, flat.</param>
/// <param name="Context">What each is conditioned on; empty for an unconditional flow.</param>
/// <param name="LogProb">The log density of each, in nats.</param>
/// <param name="Back">What their latents decode to.</param>
internal sealed record RoundTrip<T>(T[] X, T[] Context, T[] LogProb, T[] Back)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Sends the first rows of a table there and back, in the engine's numbers.</summary>
    public static RoundTrip<T> Of(FlowEngine<T> engine, Table table, int most)
    {
        int rows = Math.Min(most, table.Rows);
        T[] x = First(table, rows), context = table.Context is { } given ? First(given, rows) : [];
        T[] z = new T[x.Length], back = new T[x.Length], logProb = new T[rows], unused = new T[rows];
        engine.Forward(x, context, z, unused, logProb);
        engine.Inverse(z, context, back, unused, new T[rows]);
        return new(x, context, logProb, back);
    }

    /// <summary>The largest distance of a value from what it came back as, in standard deviations of its column.</summary>
    public double Error(double[] deviations)
    {
        double largest = 0;
        for (int i = 0; i < X.Length; i++)
            largest = Math.Max(largest, Math.Abs(double.CreateTruncating(X[i] - Back[i])) / deviations[i % deviations.Length]);
        return largest;
    }

    private static T[] First(Table table, int rows) => Array.ConvertAll(table.Values[..(rows * table.Width)], T.CreateTruncating);
}
