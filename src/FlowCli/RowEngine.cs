using System.Numerics;
using FlowCore;
using FlowCore.Checkpoints;
using FlowCore.Densities;
using FlowCore.Engines;
using FlowRows.Answers;

namespace FlowCli;

/// <summary>
/// An engine whose element type was chosen at run time: rows in and out as float64, computed in the type asked for. Results are
/// valid until the next call.
/// </summary>
internal abstract class RowEngine(FlowSpec spec) : IDisposable
{
    private const int MostValues = 1 << 20, MostRows = 8192;

    public FlowSpec Spec { get; } = spec;

    /// <summary>How many rows to hand over at once: memory stays bounded whatever the file's size.</summary>
    public int ChunkRows { get; } = Math.Clamp(MostValues / spec.Width, 1, MostRows);

    /// <summary>Whether TorchSharp computes.</summary>
    public abstract bool IsTorch { get; }

    /// <summary>Data to latents.</summary>
    public abstract Results Forward(ReadOnlySpan<double> x, ReadOnlySpan<double> context);

    /// <summary>Latents to data.</summary>
    public abstract Results Inverse(ReadOnlySpan<double> z, ReadOnlySpan<double> context);

    /// <summary>Rows firstRow, firstRow + 1, ... of a seed, as many as the context has rows, or <paramref name="count"/>.</summary>
    public abstract Results Sample(ulong seed, long firstRow, int count, double temperature, ReadOnlySpan<double> context);

    public static RowEngine Open(string folder, ElementType type, string device, EngineKind kind = EngineKind.Auto, int? threads = null)
    {
        Checkpoint checkpoint = Checkpoint.Read(ModelPath.Resolve(folder));
        int cores = threads ?? Environment.ProcessorCount;
        return type == ElementType.Float32
            ? new Of<float>(Engine.Open<float>(checkpoint, kind, device, cores))
            : new Of<double>(Engine.Open<double>(checkpoint, kind, device, cores));
    }

    public abstract void Dispose();

    /// <summary>Flat rows, and one value a row; <c>LogBase</c> is the density of the latents really drawn (sampling only).</summary>
    internal readonly record struct Results(double[] Values, double[] LogDet, double[] LogProb, double[] LogBase);

    private sealed class Of<T>(FlowEngine<T> engine) : RowEngine(engine.Spec)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        public override bool IsTorch => engine.Conditional is TorchEngine<T>;

        public override Results Forward(ReadOnlySpan<double> x, ReadOnlySpan<double> context) => Map(x, context, inverse: false);

        public override Results Inverse(ReadOnlySpan<double> z, ReadOnlySpan<double> context) => Map(z, context, inverse: true);

        public override Results Sample(ulong seed, long firstRow, int count, double temperature, ReadOnlySpan<double> context)
        {
            var rows = new NoiseRow[count];
            T[] temperatures = new T[count], logBase = new T[count], x = new T[count * Spec.Width], logDet = new T[count], logProb = new T[count];
            Array.Fill(temperatures, T.CreateTruncating(temperature));
            NoiseRow.Fill(rows, seed, firstRow);
            engine.Sample(rows, Narrow(context), temperatures, [], logBase, x, logDet, logProb);
            return new(Wide(x), Wide(logDet), Wide(logProb), Wide(logBase));
        }

        public override void Dispose() => engine.Dispose();

        private Results Map(ReadOnlySpan<double> values, ReadOnlySpan<double> context, bool inverse)
        {
            int rows = values.Length / Spec.Width;
            T[] mapped = new T[values.Length], logDet = new T[rows], logProb = new T[rows];
            if (inverse)
                engine.Inverse(Narrow(values), Narrow(context), mapped, logDet, logProb);
            else
                engine.Forward(Narrow(values), Narrow(context), mapped, logDet, logProb);
            return new(Wide(mapped), Wide(logDet), Wide(logProb), []);
        }

        private static T[] Narrow(ReadOnlySpan<double> values)
        {
            var narrow = new T[values.Length];
            for (int i = 0; i < narrow.Length; i++)
                narrow[i] = T.CreateTruncating(values[i]);
            return narrow;
        }

        private static double[] Wide(T[] values) => Array.ConvertAll(values, double.CreateTruncating);
    }
}
