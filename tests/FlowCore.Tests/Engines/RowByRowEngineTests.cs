using CsCheck;
using FlowCore.Engines;
using FlowCore.Tests.Golden;

namespace FlowCore.Tests.Engines;

/// <summary>A row's bits do not depend on its batch, on every golden model.</summary>
public sealed class RowByRowEngineTests
{
    private const int Rows = 12;

    public static TheoryData<string> Models => [.. GoldenModel.Names];

    [Theory]
    [MemberData(nameof(Models))]
    public void A_row_has_the_same_bits_in_any_batch_and_anywhere_in_it(string name)
    {
        using var engine = new RowByRowEngine<float>(new TorchEngine<float>(GoldenModel.Read(name).Checkpoint.BuildFlow()));
        float[] noise = new float[Rows * engine.NoiseWidth], context = Contexts(engine), z = new float[Rows * engine.Width], logBase = new float[Rows];
        engine.DrawNoise(1, 0, noise);
        float[] temperature = [.. Enumerable.Range(0, Rows).Select(row => 0.5f + row % 3 * 0.25f)];
        engine.Latents(noise, context, temperature, z, logBase);
        Outputs x = Inverse(engine, z, context), back = Forward(engine, x.Values, context);

        Gen.Int[0, Rows - 1].Array[1, 15].Sample(picked =>
        {
            float[] someNoise = Pick(noise, picked, engine.NoiseWidth), contexts = Pick(context, picked, engine.ContextWidth), drawn = new float[picked.Length * engine.Width];
            float[] density = new float[picked.Length];
            engine.Latents(someNoise, contexts, Pick(temperature, picked, 1), drawn, density);
            Same(Pick(z, picked, engine.Width), drawn);
            Same(Pick(logBase, picked, 1), density);
            x.Pick(picked, engine.Width).AssertSame(Inverse(engine, Pick(z, picked, engine.Width), contexts));
            back.Pick(picked, engine.Width).AssertSame(Forward(engine, Pick(x.Values, picked, engine.Width), contexts));
        }, iter: 2, threads: 1);
    }

    [Fact]
    public void It_says_what_it_promises_and_torch_alone_does_not()
    {
        using var torch = new TorchEngine<float>(GoldenModel.Read("zuko/nsf_5d").Checkpoint.BuildFlow());
        using var alone = new RowByRowEngine<float>(new TorchEngine<float>(GoldenModel.Read("zuko/nsf_5d").Checkpoint.BuildFlow()));

        Assert.Equal((false, true), (torch.SameBitsInAnyBatch, alone.SameBitsInAnyBatch));
        Assert.Equal("torch, row by row", alone.Name);
    }

    private sealed record Outputs(float[] Values, float[] LogDet, float[] LogProb)
    {
        public Outputs Pick(int[] rows, int width) =>
            new(RowByRowEngineTests.Pick(Values, rows, width), RowByRowEngineTests.Pick(LogDet, rows, 1), RowByRowEngineTests.Pick(LogProb, rows, 1));

        public void AssertSame(Outputs other)
        {
            Same(Values, other.Values);
            Same(LogDet, other.LogDet);
            Same(LogProb, other.LogProb);
        }
    }

    private static Outputs Forward(FlowEngine<float> engine, float[] x, float[] context)
    {
        int rows = x.Length / engine.Width;
        var outputs = new Outputs(new float[x.Length], new float[rows], new float[rows]);
        engine.Forward(x, context, outputs.Values, outputs.LogDet, outputs.LogProb);
        return outputs;
    }

    private static Outputs Inverse(FlowEngine<float> engine, float[] z, float[] context)
    {
        int rows = z.Length / engine.Width;
        var outputs = new Outputs(new float[z.Length], new float[rows], new float[rows]);
        engine.Inverse(z, context, outputs.Values, outputs.LogDet, outputs.LogProb);
        return outputs;
    }

    private static float[] Contexts(FlowEngine<float> engine)
    {
        var context = new float[Rows * engine.ContextWidth];
        if (engine.Spec.Context is { Classes: { } classes })
            for (int row = 0; row < Rows; row++)
                context[row] = row % classes;
        else if (context.Length > 0)
            FlowCore.Densities.Noise.FillNormal(2, 0, engine.ContextWidth, context.AsSpan());
        return context;
    }

    private static float[] Pick(float[] values, int[] rows, int width) => [.. rows.SelectMany(row => values.AsSpan(row * width, width).ToArray())];

    private static void Same(float[] expected, float[] actual) =>
        Assert.Equal(expected.Select(BitConverter.SingleToInt32Bits), actual.Select(BitConverter.SingleToInt32Bits));
}
