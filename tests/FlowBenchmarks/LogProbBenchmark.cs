using BenchmarkDotNet.Attributes;
using FlowCore;
using FlowCore.Densities;
using FlowCore.Engines;
using FlowCore.Tensors;

namespace FlowBenchmarks;

/// <summary>log p(x) of batches of 1, 64 and 4096 rows, against the same rows one by one: what batching gains.</summary>
public class LogProbBenchmark : IDisposable
{
    private const int Features = 30;

    private TorchEngine<float> engine = null!;
    private float[] x = [], z = [], logDet = [], logProb = [];

    [Params(FlowPresets.RealNvp, FlowPresets.Nsf)]
    public string Preset { get; set; } = "";

    [Params(1, 64, 4096)]
    public int Rows { get; set; }

    [GlobalSetup]
    public void Build()
    {
        Libtorch.Threads = 1;
        engine = new TorchEngine<float>(FlowBuilder.Build(FlowPresets.Create(Preset, "benchmark", Features)));
        (x, z) = (new float[Rows * Features], new float[Rows * Features]);
        (logDet, logProb) = (new float[Rows], new float[Rows]);
        Noise.FillNormal(1, 0, Features, x.AsSpan());
    }

    [Benchmark]
    public void InOneBatch() => engine.Forward(x, default, z, logDet, logProb);

    [Benchmark(Baseline = true)]
    public void OneByOne()
    {
        for (int i = 0; i < Rows; i++)
            engine.Forward(x.AsSpan(i * Features, Features), default, z.AsSpan(i * Features, Features), logDet.AsSpan(i, 1), logProb.AsSpan(i, 1));
    }

    [GlobalCleanup]
    public void Dispose()
    {
        engine.Dispose();
        GC.SuppressFinalize(this);
    }
}
