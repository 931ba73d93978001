namespace FlowCore.Training;

/// <summary>
/// The mean of the weights over the last steps (Polyak, Juditsky 1992, "Acceleration of stochastic approximation by averaging"), which is what a
/// training looks at, and keeps: steps of a few rows each leave the weights where the last rows pulled them, and their mean closer to what all rows say.
/// </summary>
internal static class RunningMean
{
    // It forgets a step after a hundred, and sooner at the start, from which it has to come away first.
    private const double Longest = 0.99, Start = 10;

    /// <summary>What it moves by at a step, as a share of its distance from the weights.</summary>
    /// <param name="step">Which step it is, from 1 on.</param>
    public static double Share(int step) => 1 - Math.Min(Longest, step / (step + Start));
}
