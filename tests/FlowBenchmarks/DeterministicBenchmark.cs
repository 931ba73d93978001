using BenchmarkDotNet.Attributes;
using FlowCore;
using FlowCore.Densities;
using FlowCore.Engines;
using FlowCore.Tensors;

namespace FlowBenchmarks;

/// <summary>What <c>Deterministic</c> costs on TorchSharp: log p(x) of a batch with each row computed alone, against all together.</summary>
public class DeterministicBenchmark : IDisposable
{
    private const int Features = 30;

    private FlowEngine<float> together = null!, alone = null!;
    private float[] x = [], z = [], logDet = [], logProb = [];

    [Params(FlowPresets.RealNvp, FlowPresets.Nsf)]
    public string Preset { get; set; } = "";

    [Params(1, 64, 1024)]
    public int Rows { get; set; }

    [GlobalSetup]
    public void Build()
    {
        Libtorch.Threads = 1;
        FlowSpec spec = FlowPresets.Create(Preset, "benchmark", Features);
        together = new TorchEngine<float>(FlowBuilder.Build(spec));
        alone = new RowByRowEngine<float>(new TorchEngine<float>(FlowBuilder.Build(spec)));
        (x, z) = (new float[Rows * Features], new float[Rows * Features]);
        (logDet, logProb) = (new float[Rows], new float[Rows]);
        Noise.FillNormal(1, 0, Features, x.AsSpan());
    }

    [Benchmark(Baseline = true)]
    public void Together() => together.Forward(x, default, z, logDet, logProb);

    [Benchmark]
    public void Deterministic() => alone.Forward(x, default, z, logDet, logProb);

    [GlobalCleanup]
    public void Dispose()
    {
        together.Dispose();
        alone.Dispose();
        GC.SuppressFinalize(this);
    }
}
