using FlowCore.Checkpoints;
using FlowCore.Engines.Compiled.Training;
using FlowCore.Tests.Laws;
using FlowCore.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace FlowCore.Tests.Training;

/// <summary>The compiled trainer on whole flows: gradients, whole trainings, and the same bits however it is run.</summary>
public sealed class CompiledTrainingTests
{
    private const int Steps = 50, Batch = 32;

    [Theory, MemberData(nameof(WholeFlows.Names), MemberType = typeof(WholeFlows))]
    public void Gradients_of_whole_flows_are_those_of_automatic_differentiation(string name)
    {
        using var scope = NewDisposeScope();
        using Flow flow = WholeFlows.Random(name);
        // More rows than one tile, and not a multiple of any block.
        var (rows, contexts) = WholeFlows.Rows(flow.Spec, 71, seed: 5);
        GradientComparison.Holds(flow, WholeFlows.Tensor(rows, 71)!, WholeFlows.Tensor(contexts, 71), 1e-9);
    }

    [Theory, MemberData(nameof(WholeFlows.PresetNames), MemberType = typeof(WholeFlows))]
    public void A_whole_training_follows_TorchSharps(string name)
    {
        using var scope = NewDisposeScope();
        var options = new TrainingOptions { LearningRate = 3e-3 };
        using Flow flow = WholeFlows.Started(name), other = WholeFlows.Started(name);
        IReadOnlyDictionary<string, LearningRate> rates = LearningRates.Of(flow, options, rows: 400);
        using var compiled = new CompiledTraining<double>(Checkpoint.Of(flow), 1, rates);
        using var adam = optim.AdamW(other.named_parameters().GroupBy(named => rates[named.name]).Select(group => new TorchSharp.Modules.AdamW.ParamGroup(
            group.Select(named => named.parameter), new() { LearningRate = options.LearningRate * group.Key.Share, weight_decay = group.Key.Decay })).ToArray());
        TorchSharp.Modules.Parameter[] parameters = [.. other.parameters()];
        var (rows, contexts) = WholeFlows.Rows(flow.Spec, 4 * Batch, seed: 5);
        for (int step = 0; step < Steps; step++)
        {
            using var stepScope = NewDisposeScope();
            int batch = step % 4;
            double[] taken = Part(rows, batch), given = Part(contexts, batch);
            adam.zero_grad();
            Tensor logProb = other.LogProb(WholeFlows.Tensor(taken, Batch)!, WholeFlows.Tensor(given, Batch)).mean();
            logProb.neg().backward();
            Gradients.Clip(parameters, options.GradientNorm);
            adam.step();
            double expected = logProb.item<double>(), actual = compiled.Step(taken, given, options.LearningRate, options.GradientNorm).LogProb;
            Assert.True(Math.Abs(expected - actual) <= 1e-6 * (1 + Math.Abs(expected)), $"step {step}: {actual:r} instead of {expected:r}");
        }
    }

    [Theory, MemberData(nameof(WholeFlows.PresetNames), MemberType = typeof(WholeFlows))]
    public void Any_number_of_threads_gives_the_same_weights(string name)
    {
        float[] one = Trained(name, threads: 1);
        Assert.Equal(one, Trained(name, threads: 2));
        Assert.Equal(one, Trained(name, threads: 5));
        Assert.All(one, value => Assert.True(float.IsFinite(value)));
    }

    /// <summary>
    /// By the largest error of each parameter's gradient, relative to that gradient's largest entry. Random networks magnify some row until it rules all gradients,
    /// and then the rounding of that one row decides, for either engine: so of several draws of rows the ratios' geometric mean counts.
    /// </summary>
    [Theory, MemberData(nameof(WholeFlows.PresetNames), MemberType = typeof(WholeFlows))]
    public void In_float32_gradients_are_no_further_from_float64_than_twice_TorchSharps(string name)
    {
        const int draws = 7, rows = 96;
        using var scope = NewDisposeScope();
        using Flow exact = WholeFlows.Random(name), single = WholeFlows.Random(name).to(float32);
        Checkpoint start = Checkpoint.Of(single);
        exact.load_state_dict(single.state_dict());
        using var compiled = new CompiledTraining<float>(start, 1, new Dictionary<string, LearningRate>());
        double logRatios = 0;
        for (int draw = 0; draw < draws; draw++)
        {
            using var drawScope = NewDisposeScope();
            var (values, contexts) = WholeFlows.Rows(exact.Spec, rows, seed: (ulong)(5 + draw));
            exact.zero_grad();
            single.zero_grad();
            exact.LogProb(WholeFlows.Tensor(values, rows)!, WholeFlows.Tensor(contexts, rows)).mean().backward();
            single.LogProb(WholeFlows.Tensor(values, rows)!.to(float32), WholeFlows.Tensor(contexts, rows)?.to(float32)).mean().backward();
            var ours = new Dictionary<string, double[]>();
            float[] taken = Array.ConvertAll(values, value => (float)value), given = Array.ConvertAll(contexts, value => (float)value);
            compiled.Gradient(taken, given, new float[taken.Length], new float[given.Length], ours);

            Dictionary<string, double[]> truth = Gradients(exact), theirs = Gradients(single);
            double OfAll(Dictionary<string, double[]> gradients) => truth.Where(each => each.Value.Max(Math.Abs) > 0).Average(each =>
                each.Value.Zip(gradients.GetValueOrDefault(each.Key) ?? new double[each.Value.Length], (a, b) => Math.Abs(a - b)).Max() / each.Value.Max(Math.Abs));
            logRatios += Math.Log(OfAll(ours) / OfAll(theirs));
        }
        double ratio = Math.Exp(logRatios / draws);
        Assert.True(ratio <= 2, $"{ratio:g3} times as far as TorchSharp");

        static Dictionary<string, double[]> Gradients(Flow flow) => flow.named_parameters()
            .Where(named => named.parameter.grad is not null)
            .ToDictionary(named => named.name, named => named.parameter.grad!.to(float64).contiguous().data<double>().ToArray());
    }

    [Fact]
    public void Steps_allocate_nothing()
    {
        using Flow flow = WholeFlows.Started("nsf");
        using var training = new CompiledTraining<float>(Checkpoint.Of(flow), 1, new Dictionary<string, LearningRate>());
        var (rows, _) = WholeFlows.Rows(flow.Spec, 100, seed: 5);
        float[] batch = Array.ConvertAll(rows, value => (float)value);
        for (int step = 0; step < 3; step++)
            training.Step(batch, [], 1e-3, 5);
        // Now and then the runtime itself allocates a little on a thread: what a step allocates, every hundred steps do.
        Assert.Equal(0, Enumerable.Range(0, 3).Min(_ =>
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int step = 0; step < 100; step++)
                training.Step(batch, [], 1e-3, 5);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }));
    }

    [Fact]
    public void The_running_mean_of_the_weights_is_kept_beside_them()
    {
        using Flow flow = WholeFlows.Started("nsf");
        using var training = new CompiledTraining<double>(Checkpoint.Of(flow), 1, new Dictionary<string, LearningRate>());
        var (rows, _) = WholeFlows.Rows(flow.Spec, 100, seed: 5);
        double[] mean = Weights(training);
        for (int step = 1; step <= 5; step++)
        {
            training.Step(rows, [], 1e-2, 5);
            double share = 1 - step / (step + 10.0);
            mean = [.. mean.Zip(Weights(training), (before, now) => before + share * (now - before))];
        }
        double[] last = Weights(training);
        training.Swap();
        Assert.All(mean.Zip(Weights(training)), pair => Assert.Equal(pair.First, pair.Second, 1e-12));
        training.Swap();
        Assert.Equal(last, Weights(training));
    }

    private static double[] Weights(CompiledTraining<double> training)
    {
        training.Read();
        return [.. training.Parameters.OrderBy(parameter => parameter.Key, StringComparer.Ordinal).SelectMany(parameter => parameter.Value.Values)];
    }

    private static float[] Trained(string name, int threads)
    {
        using Flow flow = WholeFlows.Started(name);
        using var training = new CompiledTraining<float>(Checkpoint.Of(flow), threads, new Dictionary<string, LearningRate>());
        var (rows, contexts) = WholeFlows.Rows(flow.Spec, 300, seed: 5);
        float[] taken = Array.ConvertAll(rows, value => (float)value), given = Array.ConvertAll(contexts, value => (float)value);
        for (int step = 0; step < 20; step++)
            training.Step(taken, given, 1e-3, 5);
        training.Read();
        return [.. training.Parameters.OrderBy(parameter => parameter.Key, StringComparer.Ordinal).SelectMany(parameter => parameter.Value.Values).Select(value => (float)value)];
    }

    private static double[] Part(double[] values, int batch) => values[(batch * values.Length / 4)..((batch + 1) * values.Length / 4)];
}
