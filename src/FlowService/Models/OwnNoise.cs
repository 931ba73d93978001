namespace FlowService.Models;

/// <summary>Standard normal noise of the self-test's own, by Box and Muller's transform: not the noise that requests are answered with.</summary>
internal static class OwnNoise
{
    public static double[] Normal(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()))];
    }
}
