namespace FlowCore.Tests.Golden;

/// <summary>What a zuko flow may hold and no golden model has, against plain arithmetic.</summary>
public sealed class ZukoImportTests : ImportedLayers
{
    [Fact]
    public void A_constant_monotonic_affine_transform_clips_its_log_scale_softly()
    {
        const string json = """
            {"library": "zuko", "event_size": 2, "context_size": 0, "structure": {"embedding": null,
             "base": {"type": "diag_normal", "tensors": ["base.loc", "base.scale"]},
             "transform": {"type": "unconditional", "prefix": "transform", "function": "MonotonicAffineTransform", "tensors": ["shift", "scale"], "numbers": {"slope": 0.01}} }}
            """;
        double[] shift = Random("transform.shift", 2), raw = Random("transform.scale", 2), loc = Random("base.loc", 2);
        Weights["base.scale"] = Tensor([1, 2], 2);
        double Expected(double[] x, double[] z)
        {
            double[] log = [.. raw.Select(value => value / (1 + Math.Abs(value / Math.Log(0.01))))];
            for (int i = 0; i < 2; i++)
                z[i] = x[i] * Math.Exp(log[i]) + shift[i];
            return log.Sum() - Math.Log(2) + StandardNormal([z[0] - loc[0], (z[1] - loc[1]) / 2]);
        }
        Agrees(json, [[0.3, -1.2], [2, 5]], Expected);
    }
}
