using FlowCore.Bijections;

namespace FlowCore.Interop;

/// <summary>The LU layer that nflows and normflows share: triangles listed row by row.</summary>
internal static class LuFactors
{
    public static Part<BijectionSpec> Of(ForeignWeights source, string prefix, int features, double leastPivot)
    {
        long entries = features * (features - 1L) / 2;
        return Part.Of<BijectionSpec>(new LinearSpec { LeastPivot = leastPivot },
            ("lower", source.Take($"{prefix}.lower_entries", entries).Triangle(features, lower: true)),
            ("upper", source.Take($"{prefix}.upper_entries", entries).Triangle(features, lower: false)),
            ("diagonal", source.Take($"{prefix}.unconstrained_upper_diag", features)),
            ("bias", source.Take($"{prefix}.bias", features)));
    }
}
