using System.Numerics;
using FlowCore.Densities;
using FlowCore.Engines.Compiled;
using FlowCore.Engines.Gpu;
using FlowCore.Engines.Gpu.Cuda;
using FlowCore.Tests.Engines;
using FlowCore.Tests.Laws;
using TorchSharp;
using static TorchSharp.torch;
using SavedFlow = FlowCore.Checkpoints.Checkpoint;

namespace FlowCore.Tests.Gpu;

/// <summary>
/// Every golden and every demo model, every kind at two sizes, every base density, splines of many bins: their kernels stand in a few texts together, so that
/// g++ has only a few files to compile.
/// </summary>
public static class GpuFlows
{
    private const string Small = ", small", Large = ", large";

    private const int Texts = 4, SharedBytes = 232448;

    private static readonly Lazy<Dictionary<string, SavedFlow>> All = new(Read);

    public static IEnumerable<TheoryDataRow<string>> Names => All.Value.Keys.Select(name => new TheoryDataRow<string>(name));

    /// <summary>Each kind once.</summary>
    public static IEnumerable<TheoryDataRow<string>> LargeNames => Names.Where(row => !row.Data.EndsWith(Small, StringComparison.Ordinal));

    public static bool Has(string name) => All.Value.ContainsKey(name);

    public static SavedFlow Checkpoint(string name) => All.Value[name];

    /// <summary>The engine of one of them, on the stand-in.</summary>
    public static GpuEngine<T> Open<T>(string name)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        new(All.Value[name].Spec, StandIn.OrDevice, 0, _ => Written<T>.Programs[name]);

    /// <summary>Rows of the kind's domain, contexts, and latents.</summary>
    public static (double[] X, double[] Context, double[] Z) Rows(string name, int rows)
    {
        SavedFlow checkpoint = Checkpoint(name);
        if (Kind(name) is { } kind)
        {
            using var scope = NewDisposeScope();
            Instance instance = Sized(kind, name) with { Rows = rows };
            return (Values(instance.Data()), instance.Condition() is { } condition ? Values(condition) : [], Values(instance.Latents()));
        }
        using var engine = new CompiledEngine<double>(checkpoint);
        return CompiledModels.Rows(engine, rows);
    }

    public static Kind? Kind(string name) => Kinds.Rows.Select(row => row.Data).FirstOrDefault(kind => name == kind.Name + Small || name == kind.Name + Large);

    /// <summary>All programs in one number type, written into their texts the first time that one of them is asked for.</summary>
    private static class Written<T>
    {
        public static readonly Dictionary<string, GpuProgram> Programs = Write();

        private static Dictionary<string, GpuProgram> Write()
        {
            // On a device each flow has a text of its own, as it is served; they are compiled side by side.
            KernelText[] texts = [.. Enumerable.Range(0, StandIn.IsAsked ? Texts : All.Value.Count).Select(_ => new KernelText(typeof(T) == typeof(float)))];
            var programs = new Dictionary<string, GpuProgram>();
            foreach (var (name, checkpoint) in All.Value.Where(flow => typeof(T) == typeof(float) || !flow.Key.EndsWith(Small, StringComparison.Ordinal)))
                programs.Add(name, GpuProgram.Of(CompiledFlow.Of(checkpoint), SharedBytes, texts[programs.Count % texts.Length], $"flow{programs.Count}_"));
            if (!StandIn.IsAsked)
                using (var device = new GpuDevice(StandIn.OrDevice, 0))
                    Parallel.ForEach(programs.Values, program => KernelCache.Find(StandIn.OrDevice, program.Text.Text, device.Architecture));
            return programs;
        }
    }

    private static double[] Values(Tensor rows) => rows.to(float64).contiguous().data<double>().ToArray();

    private static Instance Sized(Kind kind, string name)
    {
        bool small = name.EndsWith(Small, StringComparison.Ordinal);
        int features = kind.Image?.Aggregate((a, b) => a * b) ?? (small ? kind.Least : kind.Most);
        return new Instance(kind, features, small ? kind.NeedsContext ? 1 : 0 : 3, 1, small ? 5UL : 77);
    }

    private static Dictionary<string, SavedFlow> Read()
    {
        var flows = new Dictionary<string, SavedFlow>();
        foreach (string name in CompiledModels.Names.Select(row => row.Data))
            Add(flows, name, CompiledModels.Checkpoint(name));
        foreach (Kind kind in Kinds.Rows.Select(row => row.Data))
            foreach (string name in (string[])[kind.Name + Small, kind.Name + Large])
            {
                using Flow flow = Sized(kind, name).Build();
                flow.to(float32);
                Add(flows, name, SavedFlow.Of(flow));
            }
        foreach (var (name, spec) in Others())
        {
            using Flow flow = FlowBuilder.Build(spec);
            RandomWeights.Fill(flow, seed: 11, scale: 0.3);
            Add(flows, name, SavedFlow.Of(flow));
        }
        return flows;
    }

    // More bins than a kernel's text has unrolled.
    private static FlowSpec WideSplines(params Bijections.Elements.SplineElementSpec[] splines) => new()
    {
        Name = "splines",
        EventShape = [3],
        Base = new StandardNormalSpec(),
        Bijections = [.. splines.Select(spline => new Bijections.ElementwiseSpec { Element = spline })],
    };

    // Those that no golden model and no law has.
    private static IEnumerable<(string Name, FlowSpec Spec)> Others()
    {
        yield return ("splines of many bins", WideSplines(
            new() { Bins = 65 },
            new() { Bins = 70, SoftclipSlope = 1e-3, Bound = 4 },
            new() { Bins = 80, Tails = Bijections.Elements.SplineTails.Circular, HalfTurn = true, MinWidth = 1e-4, RawScale = 0.5 },
            new() { Bins = 66, FeatureTails = [Bijections.Elements.SplineTails.Linear, Bijections.Elements.SplineTails.Circular, Bijections.Elements.SplineTails.Linear], FeatureBounds = [3, 4, 5] }));
        yield return ("a box of many bins", WideSplines(new Bijections.Elements.SplineElementSpec { Bins = 128, Tails = Bijections.Elements.SplineTails.Box, Lower = -3 }));
        FlowSpec Of(int width, BaseDensitySpec density) =>
            new() { Name = "density", EventShape = [width], Base = density, Bijections = [new Bijections.ScaleShiftSpec()] };
        yield return ("standard normal of 17", Of(17, new StandardNormalSpec()));
        yield return ("diagonal normal", Of(19, new DiagonalNormalSpec()));
        yield return ("mixture of 11", Of(3, new GaussianMixtureSpec { Components = 11 }));
        yield return ("mixture of full covariances", Of(4, new GaussianMixtureSpec { Components = 3, Covariance = MixtureCovariance.Full }));
        yield return ("uniform and normal", Of(3, new UniformNormalSpec { Uniform = [0, 2] }));
        yield return ("box", Of(2, new BoxUniformSpec()));
        yield return ("flow", Of(3, new FlowBaseSpec { Bijections = [new Bijections.LinearSpec(), new Bijections.LeakyReluSpec { Slope = 0.3 }, new Bijections.ActNormSpec()] }));
    }

    private static void Add(Dictionary<string, SavedFlow> flows, string name, SavedFlow checkpoint)
    {
        try
        {
            GpuProgram.Of(CompiledFlow.Of(checkpoint), SharedBytes, new KernelText(isSingle: true));
            flows.Add(name, checkpoint);
        }
        catch (NotCompiledException)
        {
            // What has no form is counted by a test of its own.
        }
    }
}
