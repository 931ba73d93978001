using System.Numerics;
using FlowCore.Checkpoints;
using FlowCore.Densities;

namespace FlowCore.Engines;

/// <summary>Which flows are taken apart.</summary>
public static class LayeredFlow
{
    /// <summary>The most values in a row: what lies between the layers of wider flows shows nothing that can be looked at.</summary>
    public const int MostWidth = 16;

    /// <summary>Whether a flow is: one of vectors with at most <see cref="MostWidth"/> values.</summary>
    public static bool Offers(FlowSpec spec) => spec is { EventShape.Length: 1, Width: <= MostWidth, Bijections.Length: > 0 };
}

/// <summary>
/// A flow taken apart, an engine for each of its bijections: it shows what latents become on their way to data. Any thread may use it; they take turns.
/// </summary>
public sealed class LayeredFlow<T> : IDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly FlowEngine<T>[] layers; // in the order in which latents pass them
    private readonly Lock turn = new();

    /// <param name="checkpoint">The flow and its weights.</param>
    /// <exception cref="FlowException">The description contradicts itself, or the weights do not belong to it.</exception>
    public LayeredFlow(Checkpoint checkpoint)
    {
        Spec = checkpoint.Spec;
        layers = [.. Enumerable.Range(0, Spec.Bijections.Length).Reverse().Select(i => Engine.Open<T>(LayerOf(checkpoint, i)))];
    }

    /// <summary>The flow.</summary>
    public FlowSpec Spec { get; }

    /// <summary>The number of layers.</summary>
    public int Count => layers.Length;

    /// <summary>Where latents are before the first layer and behind each of them, and the log density of each place there.</summary>
    /// <param name="z">The latents, <c>[rows, width]</c>.</param>
    /// <param name="context">The context of each row, <c>[rows, context width]</c>.</param>
    /// <param name="values"><c>[layers + 1, rows, width]</c>: the latents first, the data last.</param>
    /// <param name="logDensity"><c>[layers + 1, rows]</c>, in nats: the base density of the latents first, log p(x) last.</param>
    public void Decode(ReadOnlySpan<T> z, ReadOnlySpan<T> context, Span<T> values, Span<T> logDensity)
    {
        int size = z.Length, rows = size / Spec.Width;
        if (values.Length != (Count + 1) * size || logDensity.Length != (Count + 1) * rows)
            throw new RowException($"the output spans do not fit {rows} rows in {Count + 1} places");
        var logDet = new T[rows];
        z.CopyTo(values);
        lock (turn)
            for (int i = 0; i < Count; i++)
            {
                Span<T> before = logDensity.Slice(i * rows, rows), behind = logDensity.Slice((i + 1) * rows, rows);
                layers[i].Inverse(values.Slice(i * size, size), context, values.Slice((i + 1) * size, size), logDet, behind);
                for (int row = 0; row < rows; row++)
                {
                    if (i == 0)
                        before[row] = behind[row] + logDet[row]; // the first layer has the flow's own base
                    behind[row] = before[row] - logDet[row];
                }
            }
    }

    public void Dispose()
    {
        foreach (FlowEngine<T> layer in layers)
            layer.Dispose();
    }

    /// <summary>One bijection as a flow of its own: the last one, which latents pass first, with the flow's base density.</summary>
    private static Checkpoint LayerOf(Checkpoint checkpoint, int index)
    {
        const string Base = "base_density.", List = "bijections.";
        bool isFirst = index == checkpoint.Spec.Bijections.Length - 1;
        string own = $"{List}{index}.";
        var weights = new Dictionary<string, WeightTensor>(StringComparer.Ordinal);
        foreach ((string name, WeightTensor tensor) in checkpoint.Weights)
            if (name.StartsWith(own, StringComparison.Ordinal))
                weights[$"{List}0.{name[own.Length..]}"] = tensor;
            else if (!name.StartsWith(List, StringComparison.Ordinal) && (isFirst || !name.StartsWith(Base, StringComparison.Ordinal)))
                weights[name] = tensor;
        FlowSpec spec = checkpoint.Spec with
        {
            Bijections = [checkpoint.Spec.Bijections[index]],
            Base = isFirst ? checkpoint.Spec.Base : new StandardNormalSpec(),
        };
        return new(spec, weights);
    }
}
