using System.Diagnostics;

namespace FlowCli.Benchmarking;

/// <summary>The same work without a service: one thread that asks the engine for batch after batch.</summary>
internal static class InProcess
{
    private const int WarmUp = 20;

    /// <summary>Rows a second at that batch size.</summary>
    public static double RowsPerSecond(RowEngine engine, string operation, double[] rows, int batch, TimeSpan duration, CancellationToken stop)
    {
        int width = engine.Spec.Width, windows = Math.Max(1, rows.Length / width / batch);
        batch = Math.Min(batch, rows.Length / width);
        var clock = new Stopwatch();
        long done = 0;
        for (long i = 0; i < WarmUp || clock.Elapsed < duration; i++)
        {
            stop.ThrowIfCancellationRequested();
            if (i == WarmUp)
                clock.Start();
            if (operation == "sample")
                engine.Sample((ulong)i, 0, batch, 1, []);
            else
                engine.Forward(rows.AsSpan((int)(i % windows) * batch * width, batch * width), []);
            if (clock.IsRunning)
                done += batch;
        }
        return done / clock.Elapsed.TotalSeconds;
    }
}
