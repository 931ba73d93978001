namespace FlowCore.Calibration;

/// <summary>The mean and the standard deviation of each column of the calibration rows, in the data's own units.</summary>
public sealed record ColumnMoments(double[] Mean, double[] Deviation)
{
    /// <summary>How many standard deviations a value lies above its column's mean; 0 for the mean of a column that never varies, else infinite.</summary>
    public double ZScore(int column, double value)
    {
        double distance = value - Mean[column];
        return distance == 0 ? 0 : distance / Deviation[column];
    }
}
