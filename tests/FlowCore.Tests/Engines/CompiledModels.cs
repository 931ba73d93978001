using FlowCore.Engines.Compiled;
using FlowCore.Tests.Golden;
using SavedFlow = FlowCore.Checkpoints.Checkpoint;

namespace FlowCore.Tests.Engines;

/// <summary>The golden and the demo models that compile, and rows of each.</summary>
public static class CompiledModels
{
    private static readonly Lazy<Dictionary<string, SavedFlow>> All = new(Read);

    public static IEnumerable<TheoryDataRow<string>> Names => All.Value.Keys.Select(name => new TheoryDataRow<string>(name));

    public static SavedFlow Checkpoint(string name) => All.Value[name];

    /// <summary>Samples of the model itself, a context of ordinary values or of all classes in turn, and the latents they came from.</summary>
    public static (T[] X, T[] Context, T[] Z) Rows<T>(CompiledEngine<T> engine, int rows)
        where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>
    {
        var noise = new T[rows * engine.NoiseWidth];
        engine.DrawNoise(17, 0, noise);
        var context = new T[rows * engine.ContextWidth];
        engine.DrawNoise(18, 0, context);
        if (engine.Spec.Context?.Classes is { } classes)
            for (int i = 0; i < rows; i++)
                context[i] = T.CreateTruncating(i % classes);
        T[] x = new T[rows * engine.Width], z = new T[x.Length], perRow = new T[rows];
        engine.Latents(noise, context, [.. Enumerable.Repeat(T.One, rows)], z, perRow);
        engine.Inverse(z, context, x, perRow, new T[rows]);
        return (x, context, z);
    }

    private static Dictionary<string, SavedFlow> Read()
    {
        var models = new Dictionary<string, SavedFlow>();
        foreach (string name in GoldenModel.Names)
            Add(models, name, GoldenModel.Read(name).Checkpoint);
        string demos = Path.Combine(AppContext.BaseDirectory, "models");
        foreach (string folder in Directory.GetDirectories(demos).SelectMany(Directory.GetDirectories))
            Add(models, Path.GetRelativePath(demos, folder), SavedFlow.Read(folder));
        return models;
    }

    private static void Add(Dictionary<string, SavedFlow> models, string name, SavedFlow checkpoint)
    {
        try
        {
            new CompiledEngine<float>(checkpoint).Dispose();
            models.Add(name, checkpoint);
        }
        catch (NotCompiledException)
        {
            // TorchEngine's.
        }
    }
}
