namespace FlowService.Tests.Support;

/// <summary>Equality of floats that were computed in batches of different sizes.</summary>
internal static class Near
{
    public const float Tolerance = 1e-4f;

    public static readonly IEqualityComparer<float> Float = EqualityComparer<float>.Create(
        (a, b) => a.Equals(b) || MathF.Abs(a - b) <= Tolerance * (1 + MathF.Abs(a)), value => value.GetHashCode());
}
