using FlowCore;
using FlowCore.Engines;

namespace FlowService.Models;

/// <summary>
/// How float32 serves a model, on probe rows drawn from the model itself: the largest and the median error of x -> z -> x,
/// relative to 1 + |x|, and the differences from float64 in nats.
/// </summary>
internal sealed record SelfTestFigures(
    int Rows, double RoundTripError, double MedianRoundTripError, double LogDetDifference, double LogProbDifference, double MedianLogProbDifference);

/// <summary>
/// Compares an engine with the float64 reference before it serves: on samples of the model's own, and on rows that the test draws
/// itself. The reference of a compiled engine is the same program in float64, without libtorch; so the reference in turn is held
/// against what shares nothing with its log-determinants and densities: <see cref="DensityLaws"/>, and where it can be had another engine.
/// </summary>
internal static class SelfTest
{
    private const int Rows = 256, OwnRows = 64, MostValues = 1 << 20, MostImageValues = 1 << 14;
    private const double ReferenceTolerance = 1e-6, IndependentTolerance = 1e-4;
    private const ulong Seed = 20240229, ContextSeed = Seed + 1;

    /// <exception cref="FlowException">The model gives NaN or infinity, or the median row is beyond the tolerance.</exception>
    public static SelfTestFigures Run(
        FlowEngine<float> engine, FlowEngine<double> reference, double tolerance, FlowEngine<double>? independent = null)
    {
        // A value of an image costs a network at its pixel: fewer rows show as much.
        int most = engine.Spec.EventShape.Length > 1 ? MostImageValues : MostValues;
        ProbeRows probe = ProbeRows.Draw(engine, Math.Clamp(most / engine.Width, 1, Rows), Seed, ContextSeed);
        int rows = probe.Rows;
        float[] z = new float[probe.X.Length], back = new float[probe.X.Length], logDet = new float[rows], logProb = new float[rows];
        engine.Forward(probe.X, probe.Context, z, logDet, logProb);
        engine.Inverse(z, probe.Context, back, new float[rows], new float[rows]);

        double[] exactZ = new double[probe.X.Length], exactLogDet = new double[rows], exactLogProb = new double[rows];
        reference.Forward(Array.ConvertAll(probe.X, x => (double)x), Array.ConvertAll(probe.Context, c => (double)c), exactZ, exactLogDet, exactLogProb);

        double[] roundTrip = new double[rows], logDets = new double[rows], logProbs = new double[rows];
        for (int row = 0; row < rows; row++)
        {
            for (int i = row * engine.Width; i < (row + 1) * engine.Width; i++)
                roundTrip[row] = Larger(roundTrip[row], Math.Abs((double)back[i] - probe.X[i]) / (1 + Math.Abs((double)probe.X[i])));
            logDets[row] = Math.Abs(logDet[row] - exactLogDet[row]);
            logProbs[row] = Math.Abs(logProb[row] - exactLogProb[row]);
        }
        SelfTestFigures figures = Figures(roundTrip, logDets, logProbs, _ => true);
        if (!Passes(figures, tolerance))
        {
            bool[] taken = TakenByReference(reference, probe);
            figures = Judge(taken.Any(row => row) ? Figures(roundTrip, logDets, logProbs, row => taken[row]) : figures, tolerance);
        }
        CompareOnOwnRows(engine, reference, probe, tolerance, independent);
        new DensityLaws(reference.Conditional, probe).Check();
        return figures;
    }

    /// <summary>Rows that no model drew lie off its beaten track: engines are judged relative to the log density, and where float64 has one.</summary>
    private static void CompareOnOwnRows(
        FlowEngine<float> engine, FlowEngine<double> reference, ProbeRows probe, double tolerance, FlowEngine<double>? independent)
    {
        int rows = Math.Min(probe.Rows, OwnRows);
        float[] x = Array.ConvertAll(probe.Own(rows), value => (float)value), context = probe.Context[..(rows * engine.ContextWidth)];
        var logProb = new float[rows];
        engine.Forward(x, context, [], new float[rows], logProb);
        double[] exact = LogProb(reference, x, context, rows);
        if (MedianError(exact, Array.ConvertAll(logProb, value => (double)value), engine.Width) is var error && !(error <= tolerance))
            throw new FlowException(
                $"self-test: on the median of {rows} rows of its own float32 differs from float64 by {error:g3} nats; "
                + $"Models:SelfTestTolerance is {tolerance:g3}");
        if (independent is not null && MedianError(exact, LogProb(independent, x, context, rows), engine.Width) is var other
            && !(other <= IndependentTolerance))
            throw new FlowException(
                $"self-test: on the median of {rows} rows of its own the engines {reference.Name} and {independent.Name} differ by "
                + $"{other:g3} nats in float64; one of them does not compute the model's density");
    }

    private static double[] LogProb(FlowEngine<double> engine, float[] x, float[] context, int rows)
    {
        var logProb = new double[rows];
        engine.Forward(
            Array.ConvertAll(x, value => (double)value), Array.ConvertAll(context, value => (double)value), [], new double[rows], logProb);
        return logProb;
    }

    private static double MedianError(double[] exact, double[] logProb, int width)
    {
        double[] errors = [.. exact.Zip(logProb, (expected, actual) => Math.Abs(actual - expected) / (1 + Math.Abs(expected) / width))
            .Where((_, row) => double.IsFinite(exact[row]))];
        return errors.Length == 0 ? 0 : Median(errors);
    }

    /// <summary>
    /// The rows whose latents float64 takes to data and back. A Gaussianization flow's range is bounded: a latent beyond it has no
    /// row in any number type, and float32 is not judged by it.
    /// </summary>
    private static bool[] TakenByReference(FlowEngine<double> reference, ProbeRows probe)
    {
        double[] z = Array.ConvertAll(probe.Z, value => (double)value), context = Array.ConvertAll(probe.Context, value => (double)value);
        double[] x = new double[z.Length], back = new double[z.Length];
        reference.Inverse(z, context, x, new double[probe.Rows], new double[probe.Rows]);
        reference.Forward(x, context, back, new double[probe.Rows], new double[probe.Rows]);
        return [.. Enumerable.Range(0, probe.Rows).Select(row => Enumerable.Range(row * reference.Width, reference.Width)
            .All(i => Math.Abs(back[i] - z[i]) <= ReferenceTolerance * (1 + Math.Abs(z[i]))))];
    }

    private static SelfTestFigures Figures(double[] roundTrip, double[] logDets, double[] logProbs, Func<int, bool> judged)
    {
        double[] Of(double[] values) => [.. values.Where((_, row) => judged(row))];
        (roundTrip, logDets, logProbs) = (Of(roundTrip), Of(logDets), Of(logProbs));
        return new(roundTrip.Length, Largest(roundTrip), Median(roundTrip), Largest(logDets), Largest(logProbs), Median(logProbs));
    }

    private static bool Passes(SelfTestFigures figures, double tolerance) =>
        figures.MedianRoundTripError <= tolerance && figures.MedianLogProbDifference <= tolerance;

    private static SelfTestFigures Judge(SelfTestFigures figures, double tolerance)
    {
        if (!double.IsFinite(figures.MedianRoundTripError) || !double.IsFinite(figures.MedianLogProbDifference))
            throw new FlowException("self-test: the model gives NaN or infinity on its own samples; its weights are not usable");
        if (!Passes(figures, tolerance))
            throw new FlowException(
                $"self-test: on the median probe row float32 differs from float64 by {figures.MedianLogProbDifference:g3} nats and x -> z -> x by "
                + $"{figures.MedianRoundTripError:g3}; Models:SelfTestTolerance is {tolerance:g3}");
        return figures;
    }

    /// <summary>The larger one, NaN being larger than anything.</summary>
    private static double Larger(double a, double b) => double.IsNaN(a) || double.IsNaN(b) ? double.NaN : Math.Max(a, b);

    private static double Largest(double[] values) => values.Aggregate(0.0, Larger);

    private static double Median(double[] values)
    {
        // NaN would sort before all numbers; as infinity it stands behind them.
        double[] sorted = [.. values.Select(value => double.IsNaN(value) ? double.PositiveInfinity : value).Order()];
        return sorted[sorted.Length / 2];
    }
}
