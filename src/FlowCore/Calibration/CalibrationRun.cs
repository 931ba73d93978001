using FlowCore.Checkpoints;
using FlowCore.Engines;
using FlowCore.Training;

namespace FlowCore.Calibration;

/// <summary>A calibration from a table of rows that training has not seen.</summary>
public static class CalibrationRun
{
    private const int MostValues = 1 << 18;

    /// <summary>Scores the rows in float32, as the service does.</summary>
    /// <param name="checkpoint">The trained flow.</param>
    /// <param name="rows">Rows that it was neither trained, nor stopped, nor chosen on; at least one.</param>
    /// <param name="kernel">How near rows are to the training rows; null where that is of no use.</param>
    /// <param name="threads">The cores that they are spread over.</param>
    public static CalibrationSet Of(Checkpoint checkpoint, Table rows, KernelDensity? kernel = null, int threads = 1)
    {
        using FlowEngine<float> engine = Engine.Open<float>(checkpoint, threads: threads);
        var builder = new CalibrationBuilder(checkpoint.Spec, kernel);
        int width = rows.Width, contextWidth = engine.ContextWidth, most = Math.Max(1, MostValues / width);
        for (int first = 0; first < rows.Rows; first += most)
        {
            int count = Math.Min(most, rows.Rows - first);
            float[] x = Narrow(rows.Values.AsSpan(first * width, count * width));
            float[] context = rows.Context is { } given ? Narrow(given.Values.AsSpan(first * contextWidth, count * contextWidth)) : [];
            float[] z = new float[x.Length], logDet = new float[count], logProb = new float[count];
            engine.Forward(x, context, z, logDet, logProb);
            builder.Add<float>(x, context, z, logProb);
        }
        return builder.Build();
    }

    private static float[] Narrow(ReadOnlySpan<double> values)
    {
        var narrow = new float[values.Length];
        for (int i = 0; i < narrow.Length; i++)
            narrow[i] = (float)values[i];
        return narrow;
    }
}
