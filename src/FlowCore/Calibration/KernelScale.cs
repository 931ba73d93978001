namespace FlowCore.Calibration;

/// <summary>What nearness to training rows adds to the log density, and the calibration rows' own scores.</summary>
/// <param name="Density">What nearness is computed by.</param>
/// <param name="Near">The calibration rows' nearness.</param>
/// <param name="Score">What joins it with the log density.</param>
/// <param name="Both">The calibration rows' joined scores.</param>
public sealed record KernelScale(KernelDensity Density, ConformalScale Near, CombinedScore Score, ConformalScale Both);
