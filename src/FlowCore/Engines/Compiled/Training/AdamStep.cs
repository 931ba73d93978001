using FlowCore.Training;

namespace FlowCore.Engines.Compiled.Training;

/// <summary>What a step of Adam is for all parameters (Kingma, Ba 2015, arXiv 1412.6980): the corrections of its running means are folded into its length.</summary>
/// <param name="Rate">The learning rate.</param>
/// <param name="Number">Which step it is, from 1 on.</param>
/// <param name="Shorten">What the gradient is multiplied by.</param>
internal readonly record struct AdamStep(double Rate, int Number, double Shorten)
{
    public const double Beta1 = 0.9, Beta2 = 0.999;

    private double Root => Math.Sqrt(1 - Math.Pow(Beta2, Number));

    /// <summary>The length of the step, as a share of the learning rate.</summary>
    public double Length => Root / (1 - Math.Pow(Beta1, Number));

    /// <summary>What the weights' running mean moves towards them (<see cref="RunningMean"/>).</summary>
    public double Nearer => RunningMean.Share(Number);

    /// <summary>What keeps the divisor away from 0.</summary>
    public double Epsilon => 1e-8 * Root;
}
