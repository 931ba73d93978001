using System.Diagnostics;
using System.Globalization;
using FlowCore;
using FlowCore.Checkpoints;
using FlowCore.Engines;
using FlowCore.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace FlowBenchmarks;

/// <summary>TorchSharp on a device: rows a second from host memory to host memory, and what the time goes into.</summary>
internal static class DeviceTable
{
    private static readonly int[] Batches = [1, 64, 4096, 262144];
    private static readonly TimeSpan Least = TimeSpan.FromMilliseconds(500);
    private const int WarmUps = 5;

    public static void Print(TextWriter output, string device)
    {
        // Launches: until the host has handed over all kernels. Kernels: the wait from then until the device is done. Copies: what a whole call takes beyond the two.
        output.WriteLine("| model | operation | rows | rows/s | copies | kernels | launches |\n|---|---|---:|---:|---:|---:|---:|");
        foreach (var (what, spec) in new[] { ("RealNVP: 8 couplings, 30 features, 128 x 2", EngineTable.RealNvp()), ("RQ-NSF coupling: 6 layers, 16 features, 128 x 2, 8 bins", EngineTable.Nsf()) })
            foreach (bool sample in new[] { false, true })
                foreach (int rows in Batches)
                    Print(output, what, EngineTable.Random(spec), device, rows, sample);
    }

    private static void Print(TextWriter output, string what, Checkpoint checkpoint, string device, int rows, bool sample)
    {
        double whole = Whole(checkpoint, device, rows, sample);
        var (launches, computed) = Computed(checkpoint, Libtorch.Device(device), rows, sample);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"| {what} | {(sample ? "sample" : "logprob")} | {rows} | {rows / whole:0} | {Math.Max(0, whole - computed) / whole:p0} | {(computed - launches) / whole:p0} | {launches / whole:p0} |"));
    }

    // Seconds a call, as the service makes it.
    private static double Whole(Checkpoint checkpoint, string device, int rows, bool sample)
    {
        using var engine = new TorchEngine<float>(checkpoint.BuildFlow(), device);
        float[] noise = new float[rows * engine.NoiseWidth], ones = new float[rows], x = new float[rows * engine.Width], z = new float[x.Length], logDet = new float[rows], logProb = new float[rows];
        engine.DrawNoise(1, 0, noise);
        ones.AsSpan().Fill(1);
        return Seconds(() =>
        {
            if (sample)
            {
                engine.Latents(noise, default, ones, z, logProb);
                engine.Inverse(z, default, x, logDet, logProb);
            }
            else
                engine.Forward(noise, default, z, logDet, logProb);
            return 0;
        }).Whole;
    }

    // Seconds until all kernels are launched, and until they are done, on rows that are there already.
    private static (double Launches, double Computed) Computed(Checkpoint checkpoint, Device device, int rows, bool sample)
    {
        using var mode = inference_mode();
        using var scope = NewDisposeScope();
        using Flow flow = checkpoint.BuildFlow();
        flow.to(device);
        flow.eval();
        Tensor noise = randn(rows, flow.NoiseWidth, device: device), ones = torch.ones(rows, device: device);
        var (computed, launches) = Seconds(() =>
        {
            using var call = NewDisposeScope();
            long began = Stopwatch.GetTimestamp();
            if (sample)
            {
                Tensor latents = flow.Draw(noise, ones).Latents;
                flow.Decode(latents);
                flow.BaseLogProb(latents);
            }
            else
                flow.BaseLogProb(flow.Encode(noise).Values);
            double launched = Stopwatch.GetElapsedTime(began).TotalSeconds;
            if (device.type == DeviceType.CUDA)
                cuda.synchronize(device);
            return launched;
        });
        return (launches, computed);
    }

    // Medians over many calls: of the whole call, and of what it says of itself.
    private static (double Whole, double Inner) Seconds(Func<double> call)
    {
        for (int i = 0; i < WarmUps; i++)
            call();
        var times = new List<(double Whole, double Inner)>();
        long start = Stopwatch.GetTimestamp();
        do
        {
            long began = Stopwatch.GetTimestamp();
            double inner = call();
            times.Add((Stopwatch.GetElapsedTime(began).TotalSeconds, inner));
        }
        while (times.Count < 5 || Stopwatch.GetElapsedTime(start) < Least);
        return (times.Select(time => time.Whole).Order().ElementAt(times.Count / 2), times.Select(time => time.Inner).Order().ElementAt(times.Count / 2));
    }
}
