using System.Runtime.InteropServices;
using CsCheck;
using FlowCore.Engines.Compiled;

namespace FlowCore.Tests.Engines;

/// <summary>A row's results on the compiled engine are the same bits whatever batch it rides in, wherever in it, and on however many threads.</summary>
public sealed class SameBitsTests
{
    // A single vector more or less, a whole tile more or less, two threads' worth of them.
    private static readonly Gen<int> Sizes = Gen.OneOf(Gen.Int[1, 60], Gen.Int[1, 60], Gen.Int[61, 500]);

    [Theory, MemberData(nameof(CompiledModels.Names), MemberType = typeof(CompiledModels))]
    public void Any_batch_gives_the_bits_of_the_row_alone(string name)
    {
        using var one = new CompiledEngine<float>(CompiledModels.Checkpoint(name));
        using var three = new CompiledEngine<float>(CompiledModels.Checkpoint(name), threads: 3);
        bool large = one.Width > 16;
        int pool = large ? 60 : 300;
        var (x, context, z) = CompiledModels.Rows(one, pool);
        Results forward = Alone(one, x, context, inverse: false), inverse = Alone(one, z, context, inverse: true);
        Gen.Select(Sizes, Gen.Bool, Gen.Bool, Gen.ULong).Sample(
            (size, threads, back, seed) =>
            {
                int rows = large ? Math.Min(size, 60) : size;
                var random = new Random((int)(seed & int.MaxValue));
                int[] chosen = [.. Enumerable.Range(0, rows).Select(_ => random.Next(pool))];
                CompiledEngine<float> engine = threads ? three : one;
                Results expected = back ? inverse : forward;
                Results actual = Compute(engine, Chosen(back ? z : x, chosen, engine.Width), Chosen(context, chosen, engine.ContextWidth), back);
                Same(Chosen(expected.Values, chosen, engine.Width), actual.Values, back ? "x" : "z");
                Same(Chosen(expected.LogDet, chosen, 1), actual.LogDet, "log-determinant");
                Same(Chosen(expected.LogProb, chosen, 1), actual.LogProb, "log density");
            },
            iter: large ? 15 : 100, threads: 1);
    }

    [Fact]
    public void Five_thousand_rows_give_the_bits_of_each_alone()
    {
        using var engine = new CompiledEngine<float>(CompiledModels.Checkpoint("normflows/realnvp_masked"), threads: 2);
        var (x, context, z) = CompiledModels.Rows(engine, 5000);
        foreach (bool back in (ReadOnlySpan<bool>)[false, true])
        {
            Results alone = Alone(engine, back ? z : x, context, back), together = Compute(engine, back ? z : x, context, back);
            Same(alone.Values, together.Values, "values");
            Same(alone.LogProb, together.LogProb, "log density");
        }
    }

    private sealed record Results(float[] Values, float[] LogDet, float[] LogProb);

    private static Results Compute(CompiledEngine<float> engine, float[] rows, float[] context, bool inverse)
    {
        int count = rows.Length / engine.Width;
        var results = new Results(new float[rows.Length], new float[count], new float[count]);
        if (inverse)
            engine.Inverse(rows, context, results.Values, results.LogDet, results.LogProb);
        else
            engine.Forward(rows, context, results.Values, results.LogDet, results.LogProb);
        return results;
    }

    private static Results Alone(CompiledEngine<float> engine, float[] rows, float[] context, bool inverse)
    {
        int count = rows.Length / engine.Width;
        Results[] each = [.. Enumerable.Range(0, count).Select(i => Compute(
            engine, Chosen(rows, [i], engine.Width), Chosen(context, [i], engine.ContextWidth), inverse))];
        return new([.. each.SelectMany(row => row.Values)], [.. each.SelectMany(row => row.LogDet)], [.. each.SelectMany(row => row.LogProb)]);
    }

    private static float[] Chosen(float[] rows, int[] chosen, int width) => [.. chosen.SelectMany(i => rows.AsSpan(i * width, width).ToArray())];

    private static void Same(float[] expected, float[] actual, string what)
    {
        if (MemoryMarshal.AsBytes<float>(expected).SequenceEqual(MemoryMarshal.AsBytes<float>(actual)))
            return;
        int first = Enumerable.Range(0, expected.Length).First(i => BitConverter.SingleToInt32Bits(expected[i]) != BitConverter.SingleToInt32Bits(actual[i]));
        Assert.Fail($"{what}: value {first} of {expected.Length} is {actual[first]:r} in the batch and {expected[first]:r} alone");
    }
}
