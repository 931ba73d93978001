namespace FlowCore.Training;

/// <summary>The middle of some values: one outlying row does not move it.</summary>
public static class Median
{
    /// <summary>The median; NaN counts as the smallest value, and no values have the median NaN.</summary>
    public static double Of(ReadOnlySpan<double> values)
    {
        if (values.IsEmpty)
            return double.NaN;
        double[] sorted = values.ToArray();
        Array.Sort(sorted); // NaN first
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
