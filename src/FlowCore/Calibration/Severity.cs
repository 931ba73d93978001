namespace FlowCore.Calibration;

/// <summary>
/// How strange a row is, from 0 to 1, for those who come from services that answer with such a number: a monotone function of the
/// p-value, and no probability.
/// </summary>
public static class Severity
{
    private const double Decades = 4;

    /// <summary>min(1, -log10(p) / 4): 0 for p = 1, 0.25 for 0.1, 0.5 for 0.01, 0.75 for 0.001, and 1 from 0.0001 on.</summary>
    public static double Of(double pValue) => double.IsNaN(pValue) ? double.NaN : Math.Clamp(-Math.Log10(pValue) / Decades, 0, 1);
}
