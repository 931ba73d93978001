using System.Diagnostics;
using System.Globalization;
using FlowCore.Checkpoints;
using FlowCore.Densities;
using FlowCore.Engines;
using FlowCore.Engines.Compiled;
using FlowCore.Tests.Golden;
using FlowCore.Tests.Laws;
using TorchSharp;

namespace FlowCore.Tests.Specs;

/// <summary>
/// Whatever becomes of a field of flow.json, both engines refuse it in the same words, or compute the same numbers: no other
/// exception, and no memory beyond what the flow is worth.
/// </summary>
public sealed class MutantTests(ITestOutputHelper output)
{
    private const double Tolerance = 1e-9;
    private const long MostBytes = 256 << 20;

    [Fact]
    public void Both_engines_refuse_a_mutant_in_the_same_words_or_compute_the_same_numbers()
    {
        var stopwatch = Stopwatch.StartNew();
        int mutants = 0, computed = 0;
        var failures = new List<string>();
        long before = Environment.WorkingSet;
        foreach (var (name, original, budget) in Originals())
        {
            Mutant[] all = [.. Mutants.Of(original.Spec)];
            var random = new Random(all.Length);
            random.Shuffle(all);
            if (all.Length > budget.Mutants)
                all = all[..(budget.Mutants)];
            byte[] same = Essence(original.Spec);
            int left = budget.Computed;
            foreach (Mutant mutant in all)
            {
                mutants++;
                if (Refused(mutant, original, out FlowSpec? spec) is { } wrong)
                    failures.Add($"{name}: {mutant.Field} = {mutant.Change}: {wrong}");
                if (spec is null || left <= 0 || Essence(spec).AsSpan().SequenceEqual(same))
                    continue;
                left--;
                computed++;
                if (Compared(new Checkpoint(spec, original.Weights)) is { } difference)
                    failures.Add($"{name}: {mutant.Field} = {mutant.Change}: {difference}");
            }
        }
        output.WriteLine($"{mutants} mutants, {computed} of them computed, {stopwatch.Elapsed.TotalSeconds:f1} s, {(Environment.WorkingSet - before) >> 20} MB more");
        Assert.True(failures.Count == 0, string.Join('\n', failures.Take(60).Prepend($"{failures.Count}:")));
        Assert.InRange(mutants, 10_000, int.MaxValue);
        Assert.InRange(Environment.WorkingSet - before, long.MinValue, 1L << 30);
    }

    private static IEnumerable<(string Name, Checkpoint Original, (int Mutants, int Computed) Budget)> Originals()
    {
        foreach (string name in GoldenModel.Names)
            yield return (name, GoldenModel.Read(name).Checkpoint, (600, 48));
        foreach (string folder in Directory.GetDirectories(Path.Combine(AppContext.BaseDirectory, "models")).SelectMany(Directory.GetDirectories))
            yield return (folder, Checkpoint.Read(folder), (600, 48));
        foreach (Kind kind in Kinds.All)
        {
            using Flow flow = new Instance(kind, Math.Clamp(4, kind.Least, kind.Most), 1, 1, 5).Build();
            flow.to(TorchSharp.torch.float32);
            yield return (kind.Name, Checkpoint.Of(flow), (400, 32));
        }
    }

    // What the numbers depend on.
    private static byte[] Essence(FlowSpec spec)
    {
        ContextSpec? context = spec.Context is null ? null : spec.Context with { Features = null };
        return SpecJson.Write(new FlowSpec { Name = "", EventShape = spec.EventShape, Context = context, Bijections = spec.Bijections, Base = spec.Base });
    }

    private static string? Refused(Mutant mutant, Checkpoint original, out FlowSpec? spec)
    {
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        spec = null;
        try
        {
            FlowSpec parsed = SpecJson.Parse(mutant.Json());
            new Checkpoint(parsed, original.Weights).Check();
            spec = parsed;
        }
        catch (FlowException e) when (e is SpecException or CheckpointException)
        {
            if (e.Message.Length == 0)
                return "refused without a word";
        }
        catch (Exception e)
        {
            return e.ToString();
        }
        return GC.GetAllocatedBytesForCurrentThread() - allocated is > MostBytes and var bytes ? $"{bytes} bytes" : null;
    }

    private static string? Compared(Checkpoint checkpoint)
    {
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        string torch = Outcome(() => new TorchEngine<double>(checkpoint.BuildFlow()), out double[] expected);
        string compiled = Outcome(() => new CompiledEngine<double>(checkpoint), out double[] actual);
        if (GC.GetAllocatedBytesForCurrentThread() - allocated is > MostBytes and var bytes)
            return $"{bytes} bytes";
        if (compiled.StartsWith(nameof(NotCompiledException), StringComparison.Ordinal))
            return torch.Length == 0 ? null : torch;
        if (torch != compiled)
            return $"torch says '{torch}', compiled '{compiled}'";
        for (int i = 0; i < expected.Length; i++)
            if (!(Math.Abs(expected[i] - actual[i]) <= Tolerance * (1 + Math.Abs(expected[i])) || expected[i].Equals(actual[i])))
                return string.Create(CultureInfo.InvariantCulture, $"value {i} of {expected.Length} is {actual[i]:r} instead of {expected[i]:r}");
        return null;
    }

    /// <summary>Nothing where there are numbers, else what was refused.</summary>
    private static string Outcome(Func<FlowEngine<double>> open, out double[] numbers)
    {
        numbers = [];
        try
        {
            using FlowEngine<double> engine = open();
            numbers = Numbers(engine);
            return "";
        }
        catch (Exception e)
        {
            return e is FlowException ? $"{e.GetType().Name}: {e.Message}" : e.ToString();
        }
    }

    private static double[] Numbers(FlowEngine<double> engine)
    {
        const int Rows = 3;
        double[] x = new double[Rows * engine.Width], context = new double[Rows * engine.ContextWidth], z = new double[x.Length], back = new double[x.Length];
        double[] logDet = new double[Rows], logProb = new double[Rows], backDet = new double[Rows], backProb = new double[Rows];
        Noise.FillNormal(1, 0, engine.Width, x.AsSpan());
        for (int i = 0; i < x.Length; i++)
            x[i] = 0.5 + 0.3 * Math.Tanh(x[i]);
        if (engine.Spec.Context is { Size: not null })
            Noise.FillNormal(2, 0, engine.ContextWidth, context.AsSpan());
        engine.Forward(x, context, z, logDet, logProb);
        engine.Inverse(x, context, back, backDet, backProb);
        return [.. z, .. logDet, .. logProb, .. back, .. backDet, .. backProb];
    }
}
