using System.Diagnostics.Metrics;
using BenchmarkDotNet.Attributes;
using FlowCore;
using FlowCore.Calibration;
using FlowCore.Checkpoints;
using FlowCore.Densities;
using FlowCore.Engines;
using FlowCore.Training;
using FlowService.Batching;
using FlowService.Drift;
using FlowService.Models;
using FlowService.Telemetry;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace FlowBenchmarks;

/// <summary>What looking for drift adds to a request's rows: beside computing them, and nothing else of the request.</summary>
[MemoryDiagnoser]
public class DriftBenchmark : IDisposable
{
    private const int Features = 16;

    private readonly ServiceProvider services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private FlowEngine<float> engine = null!;
    private ServedModel model = null!;
    private DriftMetrics drift = null!;
    private float[] x = [], logDet = [], logProb = [];

    [Params(1, 64, 1000)]
    public int Rows { get; set; }

    [GlobalSetup]
    public void Build()
    {
        using Flow flow = FlowBuilder.Build(FlowPresets.Create(FlowPresets.RealNvp, "benchmark", Features));
        Checkpoint checkpoint = Checkpoint.Of(flow);
        engine = Engine.Open<float>(checkpoint);
        var values = new double[2000 * Features];
        Noise.FillNormal(1, 0, Features, values.AsSpan());
        CalibrationSet calibration = CalibrationRun.Of(checkpoint, new Table(values, Features));
        var metrics = new FlowMetrics(services.GetRequiredService<IMeterFactory>(), new ModelRegistry());
        drift = new DriftMetrics(services.GetRequiredService<IMeterFactory>(), new ModelRegistry());
        model = new ServedModel("benchmark", 1, [engine], new BatchingOptions(), new SelfTestFigures(0, 0, 0, 0, 0, 0), metrics, TimeProvider.System, NullLogger.Instance)
        { Calibration = calibration, Drift = new(calibration, 200) }.Start();
        x = [.. values.Take(Rows * Features).Select(value => (float)value)];
        (logDet, logProb) = (new float[Rows], new float[Rows]);
        engine.Forward(x, default, [], logDet, logProb);
    }

    [Benchmark(Baseline = true)]
    public void Computed() => engine.Forward(x, default, [], logDet, logProb);

    [Benchmark]
    public void Observed() => drift.Observe(model, x, logProb);

    [GlobalCleanup]
    public void Dispose()
    {
        model.RetireAsync().Wait();
        services.Dispose();
        GC.SuppressFinalize(this);
    }
}
