using BenchmarkDotNet.Attributes;
using FlowCore;
using FlowCore.Densities;
using FlowCore.Tensors;
using FlowCore.Tests.Laws;
using FlowCore.Training;
using static TorchSharp.torch;

namespace FlowBenchmarks;

/// <summary>
/// The trainer, with its shuffling, clipping, schedule, weight decay and validation, against a bare loop over the same network, rows
/// and steps. The bare loop's ratio is 1; the trainer's must not exceed 1 / 0.9.
/// </summary>
public class TrainingBenchmark
{
    private const int Features = 16, Rows = 4096, Batch = 256, Epochs = 12;

    private DataSplit split = null!;
    private FlowSpec spec = null!;

    [Params(FlowPresets.RealNvp, FlowPresets.Nsf)]
    public string Preset { get; set; } = "";

    [GlobalSetup]
    public void Prepare()
    {
        Libtorch.Threads = 1;
        var values = new double[Rows * Features];
        Noise.FillNormal(1, 0, Features, values.AsSpan());
        split = DataSplit.By(new Table(values, Features), 1);
        spec = FlowPresets.Create(Preset, "benchmark", Features);
    }

    [Benchmark(Baseline = true)]
    public void BareLoop()
    {
        using var scope = NewDisposeScope();
        using Flow flow = FlowBuilder.Build(spec);
        // An untrained flow's networks are all zeros, which is no network that anybody trains.
        RandomWeights.Fill(flow, seed: 1, scale: 0.1);
        using var adam = optim.Adam(flow.parameters(), 1e-3);
        int rows = split.Train.Rows;
        Tensor train = TensorRows.From<float>(Array.ConvertAll(split.Train.Values, value => (float)value), rows, Features);
        for (int epoch = 0; epoch < Epochs; epoch++)
        {
            for (int first = 0; first < rows; first += Batch)
            {
                using var step = NewDisposeScope();
                adam.zero_grad();
                flow.LogProb(train.narrow(0, first, Math.Min(Batch, rows - first))).mean().neg_().backward();
                adam.step();
            }
        }
    }

    [Benchmark]
    public void Trained() => Trainer.Train(spec, split, new() { Epochs = Epochs, BatchSize = Batch }).Dispose();
}
