namespace FlowCore.Calibration;

/// <summary>Nearness to training rows, and the calibration rows' own.</summary>
/// <param name="Density">What it is computed by.</param>
/// <param name="Scale">The calibration rows' scores.</param>
public sealed record KernelScale(KernelDensity Density, ConformalScale Scale);
