using System.Collections.Concurrent;
using FlowCore.Engines;
using FlowCore.Tests.Golden;

namespace FlowCore.Tests.Engines;

/// <summary>Engines of TorchSharp side by side, while the garbage collector never rests: what a computation still reads must not be finalised.</summary>
public sealed class BusyCollectorTests
{
    // Enough for the runtime to compile TorchSharp's methods for good.
    private const int Rounds = 120, Rows = 4;

    [Fact]
    public void No_number_is_finalised_while_libtorch_reads_it()
    {
        GoldenModel model = GoldenModel.Read("normflows/nsf_coupling");
        using var stop = new CancellationTokenSource();
        var collector = new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                GC.Collect(0, GCCollectionMode.Forced);
                GC.WaitForPendingFinalizers();
            }
        });
        collector.Start();
        var failures = new ConcurrentQueue<Exception>();
        Thread[] threads = [.. Enumerable.Range(0, 2).Select(_ => new Thread(() =>
        {
            try
            {
                using var engine = new TorchEngine<float>(model.Checkpoint.BuildFlow());
                var x = new float[Rows * engine.Width];
                float[] context = new float[Rows * engine.ContextWidth], z = new float[x.Length], logDet = new float[Rows], logProb = new float[Rows], expected = new float[Rows];
                x.AsSpan().Fill(0.3f);
                engine.Forward(x, context, z, logDet, expected);
                for (int i = 0; i < Rounds; i++)
                {
                    engine.Forward(x, context, z, logDet, logProb);
                    Assert.Equal(expected, logProb);
                    engine.Inverse(z, context, new float[x.Length], logDet, logProb);
                }
            }
            catch (Exception e)
            {
                failures.Enqueue(e);
            }
        }))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        stop.Cancel();
        collector.Join();
        Assert.Empty(failures);
    }
}
