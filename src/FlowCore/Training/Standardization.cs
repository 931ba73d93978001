using FlowCore.Bijections;
using FlowCore.Conditioners.Layers;

namespace FlowCore.Training;

/// <summary>
/// Mean and deviation of the training rows, and of their contexts, taken out in float64 before anything is rounded to float32:
/// values such as 1e9 + noise would otherwise be rounded to the same number. While it is trained the flow's own standardisation is
/// the identity; <see cref="Install"/> gives it these numbers. Two in a row hold a mean that float32 cannot hold in one part.
/// </summary>
internal sealed class Standardization
{
    // How far float32 may round a mean, in deviations, before two parts hold it.
    private const double MostShift = 1e-3;

    private readonly Flow flow;
    private readonly Scale rows, contexts;

    private Standardization(Flow flow, Scale rows, Scale contexts) =>
        (this.flow, this.rows, this.contexts) = (flow, rows, contexts);

    /// <summary>What the columns are divided by.</summary>
    public double[] Scales => rows.Deviation;

    /// <summary>What a log density of standardised rows is larger by than that of the rows themselves.</summary>
    public double LogScale => rows.Deviation.Sum(Math.Log);

    /// <summary>Whether the mean of a column needs two parts.</summary>
    public static bool NeedsTwoParts(ColumnFacts[] facts) =>
        facts.Any(column => Math.Abs(column.Mean - (float)column.Mean) > MostShift * column.Deviation);

    /// <summary>In the data's units only where nothing but dequantisation stands before it; else the identity.</summary>
    public static Standardization Of(Flow flow, Table train) => new(
        flow,
        Scale.Of(train, Bijections(flow).Any(), pixels: 1),
        train.Context is { } context ? Scale.Of(context, Layers(flow).Any(), flow.Spec.Context!.Shape is { } shape ? context.Width / shape[0] : 1) : new([], []));

    public float[] Rows(Table table) => rows.Apply(table);

    public float[] Contexts(Table table) => contexts.Apply(table);

    /// <summary>Gives the flow these numbers: from now on it takes rows in the data's own units.</summary>
    public void Install()
    {
        Standardize[] bijections = [.. Bijections(flow)];
        StandardizeLayer[] layers = [.. Layers(flow)];
        rows.Set(bijections.Length, (part, mean, scale) => bijections[part].Set(mean, scale));
        contexts.Set(layers.Length, (part, mean, scale) => layers[part].Set(mean, scale));
    }

    private static IEnumerable<Standardize> Bijections(Flow flow) => flow.Bijections
        .SkipWhile(bijection => bijection is Dequantize).TakeWhile(bijection => bijection is Standardize).Take(2).Cast<Standardize>();

    private static IEnumerable<StandardizeLayer> Layers(Flow flow) =>
        flow.Embedding.TakeWhile(layer => layer is StandardizeLayer).Take(2).Cast<StandardizeLayer>();

    // One mean and one deviation for the pixels of each channel.
    private sealed record Scale(double[] Mean, double[] Deviation, int Pixels = 1)
    {
        public static Scale Of(Table table, bool isTaken, int pixels)
        {
            if (pixels > 1)
                return OfChannels(table, isTaken, pixels);
            if (!isTaken)
                return new(new double[table.Width], [.. Enumerable.Repeat(1.0, table.Width)]);
            ColumnFacts[] facts = ColumnFacts.Of(table);
            // The deviation is what the flow's float32 will hold.
            return new(
                [.. facts.Select(column => column.Mean)],
                [.. facts.Select(column => column.IsConstant ? 1.0 : (float)column.Deviation)]);
        }

        private static Scale OfChannels(Table table, bool isTaken, int pixels)
        {
            int channels = table.Width / pixels;
            double[] mean = new double[channels], deviation = [.. Enumerable.Repeat(1.0, channels)];
            for (int channel = 0; isTaken && channel < channels; channel++)
            {
                double[] values = [.. Enumerable.Range(0, table.Rows).SelectMany(row => table.Row(row).Slice(channel * pixels, pixels).ToArray())];
                ColumnFacts facts = ColumnFacts.Of(new Table(values, 1))[0];
                (mean[channel], deviation[channel]) = (facts.Mean, facts.IsConstant ? 1.0 : (float)facts.Deviation);
            }
            return new(mean, deviation, pixels);
        }

        public float[] Apply(Table table)
        {
            var values = new float[table.Values.Length];
            for (int i = 0; i < values.Length; i++)
            {
                int at = i / Pixels % Mean.Length;
                values[i] = (float)((table.Values[i] - Mean[at]) / Deviation[at]);
            }
            return values;
        }

        public void Set(int parts, Action<int, double[], double[]> set)
        {
            if (parts == 1)
                set(0, Mean, Deviation);
            if (parts < 2)
                return;
            double[] coarse = [.. Mean.Select(mean => (double)(float)mean)];
            set(0, coarse, [.. Mean.Select(_ => 1.0)]);
            set(1, [.. Mean.Zip(coarse, (mean, part) => mean - part)], Deviation);
        }
    }
}
