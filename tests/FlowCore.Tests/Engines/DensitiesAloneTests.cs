using FlowCore.Engines;
using FlowCore.Tests.Golden;

namespace FlowCore.Tests.Engines;

/// <summary>Densities without what the rows are mapped to: the same bits, in both directions, by every engine.</summary>
public sealed class DensitiesAloneTests
{
    private const int Rows = 7;

    public static TheoryData<string> Engines => ["torch", "compiled", "row by row"];

    [Theory]
    [MemberData(nameof(Engines))]
    public void They_are_those_of_the_whole_computation(string kind)
    {
        using FlowEngine<float> engine = Open(kind);
        float[] noise = new float[Rows * engine.NoiseWidth], latents = new float[Rows * engine.Width];
        engine.DrawNoise(1, 0, noise);
        float[] ones = [.. Enumerable.Repeat(1f, Rows)];
        engine.Latents(noise, [], ones, latents, new float[Rows]);
        float[] x = new float[latents.Length], z = new float[latents.Length];

        var (inverse, inverseAlone) = (Densities(engine.Inverse, latents, x), Densities(engine.Inverse, latents, []));
        var (forward, forwardAlone) = (Densities(engine.Forward, x, z), Densities(engine.Forward, x, []));

        Assert.Equal(inverse, inverseAlone);
        Assert.Equal(forward, forwardAlone);
    }

    [Fact]
    public void Room_for_some_of_the_rows_is_refused()
    {
        using FlowEngine<float> engine = Open("compiled");

        Assert.Throws<RowException>(() => engine.Forward(new float[2 * engine.Width], [], new float[engine.Width], new float[2], new float[2]));
    }

    private static FlowEngine<float> Open(string kind)
    {
        FlowCore.Checkpoints.Checkpoint checkpoint = GoldenModel.Read("normflows/realnvp_masked").Checkpoint;
        return kind switch
        {
            "torch" => new TorchEngine<float>(checkpoint.BuildFlow()),
            "row by row" => new RowByRowEngine<float>(new TorchEngine<float>(checkpoint.BuildFlow())),
            _ => Engine.Open<float>(checkpoint, EngineKind.Compiled),
        };
    }

    private delegate void Direction(ReadOnlySpan<float> rows, ReadOnlySpan<float> context, Span<float> mapped, Span<float> logDet, Span<float> logProb);

    private static IEnumerable<int> Densities(Direction compute, float[] rows, float[] mapped)
    {
        float[] logDet = new float[Rows], logProb = new float[Rows];
        compute(rows, [], mapped, logDet, logProb);
        return logDet.Concat(logProb).Select(BitConverter.SingleToInt32Bits);
    }
}
