using FlowCore.Engines;
using FlowCore.Engines.Compiled;

namespace FlowCore.Tests.Engines;

/// <summary>The compiled engine's float32 log densities are as close to float64 as TorchSharp's own.</summary>
public sealed class Float32Tests
{
    private const int Count = 1000;

    [Theory, MemberData(nameof(CompiledModels.Names), MemberType = typeof(CompiledModels))]
    public void Log_densities_are_no_further_from_float64_than_twice_the_other_engines(string name)
    {
        var checkpoint = CompiledModels.Checkpoint(name);
        using var reference = new CompiledEngine<double>(checkpoint);
        using var torch = new TorchEngine<float>(checkpoint.BuildFlow());
        using var compiled = new CompiledEngine<float>(checkpoint);
        var (x, context, _) = CompiledModels.Rows(compiled, reference.Width > 16 ? Count / 5 : Count);
        double[] exact = LogProb(reference, [.. x.Select(value => (double)value)], [.. context.Select(value => (double)value)]);
        double[] theirs = Errors(exact, LogProb(torch, x, context)), ours = Errors(exact, LogProb(compiled, x, context));
        Assert.True(ours.Average() <= 2 * theirs.Average(), $"mean error {ours.Average():g3} nats, TorchSharp {theirs.Average():g3}");
        int rank = theirs.Length * 98 / 100;
        Assert.True(ours[rank] <= 2 * theirs[rank], $"98 % of the errors are below {ours[rank]:g3} nats, TorchSharp {theirs[rank]:g3}");
    }

    private static double[] Errors(double[] exact, float[] logProb) =>
        [.. logProb.Select((value, i) => value == exact[i] ? 0 : Math.Abs(value - exact[i])).Order()];

    private static T[] LogProb<T>(FlowEngine<T> engine, T[] x, T[] context)
        where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>
    {
        int rows = x.Length / engine.Width;
        var logProb = new T[rows];
        engine.Forward(x, context, new T[x.Length], new T[rows], logProb);
        return logProb;
    }
}
