using BenchmarkDotNet.Attributes;
using FlowCore;
using FlowCore.Bijections;
using FlowCore.Bijections.Elements;
using FlowCore.Conditioners;
using FlowCore.Densities;
using FlowCore.Engines;
using FlowCore.Tensors;

namespace FlowBenchmarks;

/// <summary>
/// The slow direction of a 32-D autoregressive spline flow against its fast one, and against the libraries' loop, which computes
/// every output of the network and every spline in each of its 32 passes.
/// </summary>
public class AutoregressiveInverseBenchmark : IDisposable
{
    private const int Features = 32, Rows = 256;

    private readonly float[] x = new float[Rows * Features], z = new float[Rows * Features], logDet = new float[Rows], logProb = new float[Rows];
    private TorchEngine<float> engine = null!;

    [GlobalSetup]
    public void Build()
    {
        Libtorch.Threads = 1;
        var layer = new AutoregressiveSpec { Element = new SplineElementSpec(), Conditioner = new MadeSpec { Hidden = [128, 128] } };
        var spec = new FlowSpec { Name = "benchmark", EventShape = [Features], Bijections = [layer] };
        engine = new TorchEngine<float>(FlowBuilder.Build(spec));
        Noise.FillNormal(1, 0, Features, z.AsSpan());
    }

    [Benchmark(Baseline = true)]
    public void Forward() => engine.Forward(z, default, x, logDet, logProb);

    [Benchmark]
    public void Inverse() => engine.Inverse(z, default, x, logDet, logProb);

    /// <summary>As many whole passes as the loop of the libraries makes; a pass costs what a forward one does.</summary>
    [Benchmark]
    public void NaiveInverse()
    {
        for (int pass = 0; pass < Features; pass++)
            engine.Forward(z, default, x, logDet, logProb);
    }

    [GlobalCleanup]
    public void Dispose()
    {
        engine.Dispose();
        GC.SuppressFinalize(this);
    }
}
