using System.Globalization;
using FlowCore.Engines;
using FlowCore.Interop;

namespace FlowCli.Import;

/// <summary>
/// What an imported flow computes in float64 beside what the library computed from the same rows. Each quantity has a mark that
/// |difference| / (1 + |reference|) must stay below: 1e-9, and 1e-6 for rows that the library finds by bisection.
/// </summary>
internal sealed record Comparison(int Rows, IReadOnlyList<Compared> Quantities, string? Layer)
{
    private const double Exact = 1e-9, Numerical = 1e-5;

    /// <summary>The quantity that is the furthest beyond its mark; null where all hold.</summary>
    public Compared? Failed =>
        Quantities.Where(quantity => !(quantity.Error <= quantity.Mark)).MaxBy(quantity => quantity.Error / quantity.Mark);

    public string Summary => string.Join(
        ", ", Quantities.Select(quantity => string.Create(CultureInfo.InvariantCulture, $"{quantity.What} within {quantity.Error:g2}")));

    /// <exception cref="ImportException">The cases are not of this model.</exception>
    public static Comparison Of(ForeignFlow flow, Cases cases)
    {
        using var engine = new TorchEngine<double>(flow.Checkpoint.BuildFlow());
        var quantities = new List<Compared>();
        bool forward = Scored(engine, cases, quantities);
        Sampled(engine, cases, flow.InvertsNumerically, quantities);
        var comparison = new Comparison(cases.Rows("x"), quantities, null);
        return forward ? comparison : comparison with { Layer = FirstThatDiffers(flow, cases) };
    }

    private static bool Scored(TorchEngine<double> engine, Cases cases, List<Compared> into)
    {
        double[] x = cases.Data();
        int rows = Shaped(engine, x, cases.Rows("x"), "x");
        double[] z = new double[x.Length], logDet = new double[rows], logProb = new double[rows];
        engine.Forward(x, Condition(engine, cases, "context", "y", rows), z, logDet, logProb);
        double missed = cases.Has("log_prob_tolerance") ? Math.Clamp(cases.Values("log_prob_tolerance")[0], 0, 1e-4) : 0;
        into.Add(Compared.Of("log_prob", cases.Values("log_prob"), logProb, Exact, missed));
        // Where a split's prior depends on the other half, our latents are the noise behind the library's.
        if (!cases.Has("eps_0"))
        {
            string det = cases.Has("log_det") ? "log_det" : "log_det_inverse";
            if (cases.Has(det))
                into.Add(Compared.Of(det, cases.Values(det), logDet, Exact));
            if (cases.Latents("z") is { } latents)
                into.Add(Compared.Of("z", latents, z, Exact));
        }
        return into.TrueForAll(quantity => quantity.Error <= quantity.Mark);
    }

    private static void Sampled(TorchEngine<double> engine, Cases cases, bool numerical, List<Compared> into)
    {
        if ((cases.Latents("z_in") ?? cases.Latents("eps")) is not { } z || !cases.Has("x_out"))
            return;
        int rows = Shaped(engine, z, cases.Rows("x_out"), "z_in");
        double[] context = Condition(engine, cases, "context_in", "y_in", rows);
        double[] expected = cases.Values("x_out"), x = new double[z.Length];
        engine.Inverse(z, context, x, new double[rows], new double[rows]);
        if (!numerical)
        {
            into.Add(Compared.Of("x_out", expected, x, Exact));
            return;
        }
        // The library's bisection stops early, and its x misses the latent that it was asked for. Ours must not; and it may
        // differ from theirs by what theirs misses.
        double[] Latents(double[] data)
        {
            var latents = new double[z.Length];
            engine.Forward(data, context, latents, new double[rows], new double[rows]);
            return latents;
        }
        into.Add(Compared.Of("latents of x_out", z, Latents(x), Exact));
        double missed = Compared.Of("", z, Latents(expected), 0).Error;
        into.Add(Compared.Of("x_out", expected, x, Numerical + 2 * Math.Min(missed, 1e-4)));
    }

    /// <summary>The first layer that makes other rows of the library's own rows before it; the base, where all layers agree.</summary>
    private static string? FirstThatDiffers(ForeignFlow flow, Cases cases)
    {
        double[] before = cases.Data();
        int rows = cases.Rows("x");
        var layers = cases.Layers().ToArray();
        foreach (var (named, key) in layers)
        {
            string path = named.Split(' ')[0];
            if (flow.Layer(path) is { } layer)
            {
                using var engine = new TorchEngine<double>(layer.BuildFlow());
                if (before.Length != rows * engine.Width)
                    return null;
                double[] z = new double[before.Length], logDet = new double[rows];
                engine.Forward(before, Condition(engine, cases, "context", "y", rows), z, logDet, new double[rows]);
                bool same = Compared.Of(key, cases.Values(key), z, Exact).Error <= Exact
                    && Compared.Of(key, cases.LogDeterminants(key), logDet, Exact).Error <= Exact;
                if (!same)
                    return $"the layer {named}";
            }
            before = cases.Values(key);
        }
        return layers.Length > 0 ? "the base density, since every layer agrees" : null;
    }

    private static double[] Condition(TorchEngine<double> engine, Cases cases, string context, string classes, int rows)
    {
        double[] condition = cases.Condition(context, classes, rows * engine.ContextWidth);
        return condition.Length == rows * engine.ContextWidth
            ? condition
            : throw new ImportException(
                $"{Cases.FileName}: '{context}' has {condition.Length} values, the flow takes {engine.ContextWidth} for each of {rows} rows");
    }

    private static int Shaped(TorchEngine<double> engine, double[] values, int rows, string key) =>
        values.Length == rows * engine.Width
            ? rows
            : throw new ImportException(
                $"{Cases.FileName}: '{key}' has {values.Length} values in {rows} rows, the flow takes {engine.Width} a row");
}

/// <summary>One quantity: the largest |difference| / (1 + |reference|), and the mark that it must stay below.</summary>
internal sealed record Compared(string What, double Error, double Mark)
{
    /// <param name="what">The quantity.</param>
    /// <param name="expected">The library's values.</param>
    /// <param name="actual">Ours.</param>
    /// <param name="mark">What the error must stay below.</param>
    /// <param name="missed">By how much the library's own values miss, for a constant that it keeps in float32.</param>
    public static Compared Of(string what, double[] expected, double[] actual, double mark, double missed = 0)
    {
        if (expected.Length != actual.Length)
            throw new ImportException(
                $"{Cases.FileName}: '{what}' has {expected.Length} values, the flow computes {actual.Length}");
        double worst = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            if (expected[i].Equals(actual[i]))
                continue; // infinities, or the same number
            double error = Math.Max(0, Math.Abs(expected[i] - actual[i]) - missed) / (1 + Math.Abs(expected[i]));
            worst = double.IsNaN(error) ? double.PositiveInfinity : Math.Max(worst, error);
        }
        return new(what, worst, mark);
    }
}
