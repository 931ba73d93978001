using System.Diagnostics;
using System.Globalization;
using FlowCore;
using FlowCore.Checkpoints;
using FlowCore.Engines;
using FlowCore.Tensors;
using FlowCore.Tests.Golden;
using TorchSharp;
using static TorchSharp.torch;

namespace FlowBenchmarks;

/// <summary>TorchSharp on a device: rows a second from host memory to host memory, and what the time goes into.</summary>
internal static class DeviceTable
{
    private static readonly int[] Batches = [1, 64, 4096, 262144];
    private static readonly TimeSpan Least = TimeSpan.FromMilliseconds(500);
    private const int WarmUps = 5;

    // The one that pytorch_eager.py computes.
    private const string PeerModel = "normflows/realnvp_masked";

    public static void Print(TextWriter output, string device)
    {
        // Launches: until the host has handed over all kernels. Kernels: the wait from then until the device is done. Copies: what a whole call takes beyond the two.
        output.WriteLine("| model | operation | rows | rows/s | copies | kernels | launches |\n|---|---|---:|---:|---:|---:|---:|");
        (string What, Checkpoint Checkpoint)[] models =
        [
            (PeerModel, GoldenModel.Read(PeerModel).Checkpoint),
            ("RealNVP: 8 couplings, 30 features, 128 x 2", EngineTable.Random(EngineTable.RealNvp())),
            ("RQ-NSF coupling: 6 layers, 16 features, 128 x 2, 8 bins", EngineTable.Random(EngineTable.Nsf())),
        ];
        foreach (var (what, checkpoint) in models)
            foreach (bool sample in new[] { false, true })
                foreach (int rows in Batches)
                    Print(output, what, checkpoint, device, rows, sample);
    }

    private static void Print(TextWriter output, string what, Checkpoint checkpoint, string device, int rows, bool sample)
    {
        using var engine = new TorchEngine<float>(checkpoint.BuildFlow(), device);
        using Flow flow = checkpoint.BuildFlow();
        Device on = Libtorch.Device(device);
        flow.to(on);
        flow.eval();
        float[] noise = new float[rows * engine.NoiseWidth], temperature = new float[rows], x = new float[rows * engine.Width], z = new float[x.Length], logDet = new float[rows], logProb = new float[rows];
        engine.DrawNoise(1, 0, noise);
        temperature.AsSpan().Fill(1);
        void Whole()
        {
            if (!sample)
            {
                engine.Forward(noise, default, [], logDet, logProb);
                return;
            }
            engine.Latents(noise, default, temperature, z, logProb);
            engine.Inverse(z, default, x, logDet, logProb);
        }
        using var mode = inference_mode();
        using var scope = NewDisposeScope();
        Tensor there = randn(rows, flow.NoiseWidth, device: on), ones = torch.ones(rows, device: on);
        void Launch()
        {
            if (!sample)
            {
                flow.BaseLogProb(flow.Encode(there).Values);
                return;
            }
            Tensor latents = flow.Draw(there, ones).Latents;
            flow.Decode(latents);
            flow.BaseLogProb(latents);
        }
        var (whole, launches, computed) = Seconds(Whole, Launch, on);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"| {what} | {(sample ? "sample" : "logprob")} | {rows} | {rows / whole:0} | {Math.Max(0, whole - computed) / whole:p0} | {(computed - launches) / whole:p0} | {launches / whole:p0} |"));
    }

    // Medians of calls in turns: from host memory to host memory; on rows that are there already, until all is launched, and until it is done.
    private static (double Whole, double Launches, double Computed) Seconds(Action call, Action launch, Device device)
    {
        List<double> whole = [], launches = [], computed = [];
        long start = 0;
        for (int i = -WarmUps; i < 5 || Stopwatch.GetElapsedTime(start) < Least; i++)
        {
            if (i == 0)
                start = Stopwatch.GetTimestamp();
            using var scope = NewDisposeScope();
            long began = Stopwatch.GetTimestamp();
            call();
            double took = Stopwatch.GetElapsedTime(began).TotalSeconds;
            began = Stopwatch.GetTimestamp();
            launch();
            double launched = Stopwatch.GetElapsedTime(began).TotalSeconds;
            if (device.type == DeviceType.CUDA)
                cuda.synchronize(device);
            if (i < 0)
                continue;
            whole.Add(took);
            launches.Add(launched);
            computed.Add(Stopwatch.GetElapsedTime(began).TotalSeconds);
        }
        return (Median(whole), Median(launches), Median(computed));
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
