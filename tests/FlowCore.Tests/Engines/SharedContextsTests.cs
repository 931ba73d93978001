using System.Runtime.InteropServices;
using FlowCore.Engines;
using FlowCore.Engines.Compiled;

namespace FlowCore.Tests.Engines;

/// <summary>Rows that share a context are computed as if each had brought its own, and the encoder sees it once.</summary>
public sealed class SharedContextsTests
{
    [Fact]
    public void Neighbours_with_the_same_bits_share()
    {
        var shared = new SharedContexts();
        Assert.Equal(6, shared.Find<float>([1, 2, 1, 2, 3, 4, 1, 2, 1, 2, 0f, -0f], width: 2, most: 9));
        Assert.Equal([0, 2, 3, 5], shared.FirstRows.ToArray());
        Assert.Equal([0, 0, 1, 2, 2, 3], shared.OfRows[..6].ToArray());
        Assert.False(SharedContexts.AreEqual<float>([0f], [-0f]));
        Assert.True(SharedContexts.AreEqual<float>([float.NaN], [float.NaN]));
    }

    [Fact]
    public void Rows_end_where_their_contexts_are_more_than_fit()
    {
        var shared = new SharedContexts();
        Assert.Equal(3, shared.Find<double>([7, 7, 8, 9], width: 1, most: 2));
        Assert.Equal([0, 2], shared.FirstRows.ToArray());
    }

    [Fact]
    public void A_shared_context_gives_the_bits_of_a_row_alone()
    {
        using var engine = new CompiledEngine<float>(EnlargingFlow.Checkpoint(), threads: 2);
        // Contexts that come once, thrice and again; the next batch brings others, and then the first ones again.
        foreach (int[] of in (int[][])[[0, 1, 1, 1, 2, 0], [3, 3, 4], [4], [0, 1, 1, 1, 2, 0]])
        {
            float[] contexts = Chosen(EnlargingFlow.Small<float>(5), of), together = Samples(engine, contexts, of.Length);
            for (int row = 0; row < of.Length; row++)
            {
                using var fresh = new CompiledEngine<float>(EnlargingFlow.Checkpoint());
                float[] alone = Samples(fresh, contexts[(row * 4)..((row + 1) * 4)], 1, first: row);
                Assert.Equal(MemoryMarshal.Cast<float, int>(alone).ToArray(), MemoryMarshal.Cast<float, int>(together.AsSpan(row * 64, 64)).ToArray());
            }
        }
    }

    [Fact]
    public void Both_engines_share_alike()
    {
        using var compiled = new CompiledEngine<double>(EnlargingFlow.Checkpoint());
        using var torch = new TorchEngine<double>(EnlargingFlow.Checkpoint().BuildFlow());
        double[] contexts = Chosen(EnlargingFlow.Small<double>(3), [0, 0, 1, 2, 2]);
        double[] one = Samples(compiled, contexts, 5), other = Samples(torch, contexts, 5);
        Assert.All(one.Zip(other), pair => Assert.Equal(pair.First, pair.Second, 1e-7));
    }

    private static T[] Chosen<T>(T[] contexts, int[] of) => [.. of.SelectMany(i => contexts[(i * 4)..((i + 1) * 4)])];

    private static T[] Samples<T>(FlowEngine<T> engine, T[] contexts, int rows, int first = 0)
        where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>
    {
        T[] noise = new T[rows * 64], z = new T[noise.Length], x = new T[noise.Length], ofRows = new T[rows];
        engine.DrawNoise(3, first, noise);
        engine.Latents(noise, contexts, [.. Enumerable.Repeat(T.One, rows)], z, ofRows);
        engine.Inverse(z, contexts, x, ofRows, new T[rows]);
        return x;
    }
}
