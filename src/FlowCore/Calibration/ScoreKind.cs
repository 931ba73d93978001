namespace FlowCore.Calibration;

/// <summary>Which number of a row is compared with those of ordinary rows.</summary>
public enum ScoreKind
{
    /// <summary>log p(x) in nats: the lower, the stranger.</summary>
    LogProb,

    /// <summary>|z|^2, the squared length of the latent: the higher, the stranger.</summary>
    LatentNorm2,

    /// <summary>The log density of <see cref="KernelDensity"/>: the lower, the stranger.</summary>
    Kernel,

    /// <summary>Both of <see cref="CombinedScore"/>: the lower, the stranger.</summary>
    Combined,
}
