using FlowCore;
using FlowCore.Calibration;
using FlowCore.Drift;
using FlowRows.Scoring;
using FlowRows.Tables;

namespace FlowService.Drift;

/// <summary>
/// The drift of one version of a model. Requests add some of their rows once they are computed, on their own threads; where another one is
/// adding, they pass by: nobody waits, and no thread of the model comes here.
/// </summary>
internal sealed class DriftMonitor(CalibrationSet calibration, int windowRows, ColumnRecord[]? trained = null)
{
    /// <summary>The most rows that are taken of a request, or of a part of a stream: some microseconds, whatever its size.</summary>
    public const int MostRows = 16;

    private const int MostValues = 1024;

    private readonly Lock adding = new();
    private readonly DriftWindow window = new(calibration, windowRows, trained);
    private DriftState? known;

    /// <summary>Adds rows, evenly from all of them; those that could not be read, or lack values, are passed over.</summary>
    /// <param name="x">The rows, flat.</param>
    /// <param name="logProb">Their log densities.</param>
    /// <param name="errors">Why some could not be read.</param>
    /// <param name="missing">What some lack.</param>
    /// <param name="pValues">Takes the p-values of those that were added; it has room for <see cref="MostRows"/>.</param>
    /// <returns>How many were.</returns>
    public int Add(ReadOnlySpan<float> x, ReadOnlySpan<float> logProb, RowErrors? errors, MissingValues<float>? missing, Span<double> pValues)
    {
        if (!adding.TryEnter())
            return 0;
        int added = 0;
        try
        {
            int width = x.Length / logProb.Length, most = Math.Clamp(MostValues / width, 1, MostRows), step = (logProb.Length + most - 1) / most;
            for (int row = 0; row < logProb.Length; row += step)
                if (errors?.Of(row) is null && (missing?.CountOf(row) ?? 0) == 0)
                {
                    window.Add(x.Slice(row * width, width), logProb[row]);
                    pValues[added++] = calibration.LogProb.PValue(logProb[row]);
                }
        }
        finally
        {
            adding.Exit();
        }
        return added;
    }

    /// <summary>What the last rows come to.</summary>
    public DriftState State()
    {
        lock (adding)
            return known?.Seen == window.Seen ? known : known = window.State();
    }

    /// <summary>The same with what takes longer to find out.</summary>
    public (DriftState State, double[] PValues, Typicality? Typicality) Whole()
    {
        lock (adding)
            return (window.State(), window.PValues(), window.Typicality());
    }
}
