using FlowCore.Densities;
using FlowCore.Engines;
using FlowCore.Engines.Compiled;
using FlowCore.Tests.Golden;

namespace FlowCore.Tests.Engines;

/// <summary>The float64 engine beside a float32 one: the same programs, in another number type, and neither disturbs the other.</summary>
public sealed class ReferenceTests
{
    [Theory]
    [InlineData("normflows/nsf_coupling")]
    [InlineData("normflows/realnvp_masked")]
    public void It_gives_the_bits_of_one_that_was_compiled_for_itself_and_changes_none_of_the_other(string name)
    {
        FlowCore.Checkpoints.Checkpoint checkpoint = GoldenModel.Read(name).Checkpoint;
        using FlowEngine<float> engine = new CompiledEngine<float>(checkpoint), untouched = new CompiledEngine<float>(checkpoint);
        using FlowEngine<double> reference = Engine.ReferenceOf(engine, checkpoint), alone = new CompiledEngine<double>(checkpoint);
        const int rows = 100;
        float[] noise = new float[rows * engine.Width];
        Noise.FillNormal<float>(1, 0, engine.Width, noise);

        Assert.IsType<CompiledEngine<double>>(reference);
        Assert.Equal(Outputs(alone, Array.ConvertAll(noise, value => (double)value), rows), Outputs(reference, Array.ConvertAll(noise, value => (double)value), rows));
        Assert.Equal(Outputs(untouched, noise, rows), Outputs(engine, noise, rows));
    }

    private static T[] Outputs<T>(FlowEngine<T> engine, T[] z, int rows)
        where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>
    {
        T[] context = new T[rows * engine.ContextWidth], x = new T[z.Length], logDet = new T[rows], logProb = new T[rows];
        engine.Inverse(z, context, x, logDet, logProb);
        T[] back = new T[z.Length];
        engine.Forward(x, context, back, new T[rows], new T[rows]);
        return [.. x, .. logDet, .. logProb, .. back];
    }
}
