using System.Numerics;

namespace FlowRows.Buffers;

/// <summary>The density that samples were really drawn from.</summary>
internal static class SampleDensity
{
    /// <summary>log q(x) = log density of the latent drawn - log|det dx/dz|. At temperature 1 it is the model's own, to the last digit.</summary>
    public static void LogQ<T>(ReadOnlySpan<T> logBase, ReadOnlySpan<T> logDet, ReadOnlySpan<T> logProb, double temperature, Span<T> logQ)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (temperature == 1)
        {
            logProb.CopyTo(logQ);
            return;
        }
        for (int i = 0; i < logQ.Length; i++)
            logQ[i] = logBase[i] - logDet[i];
    }
}
