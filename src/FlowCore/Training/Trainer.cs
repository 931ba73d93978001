using System.Diagnostics;
using FlowCore.Bijections;
using FlowCore.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Training;

/// <summary>
/// Maximum likelihood by Adam with decoupled weight decay (Loshchilov, Hutter 2019, arXiv 1711.05101), clipped gradients and a
/// cosine schedule; the weights with the best median validation log-likelihood are kept. The same spec, data and options give the
/// same weights, bit for bit, on one machine.
/// </summary>
public static class Trainer
{
    private const int FewestStepsBetweenValidations = 25;

    /// <summary>Trains a new flow. Stopping by the token keeps the best weights so far.</summary>
    /// <exception cref="FlowException">No step of a whole epoch gave a finite gradient.</exception>
    public static TrainedFlow Train(
        FlowSpec spec, DataSplit data, TrainingOptions options, Action<TrainingProgress>? report = null, CancellationToken stop = default)
    {
        Device device = Libtorch.Device(options.Device);
        using var scope = NewDisposeScope();
        using var generator = new Generator(options.Seed, CPU);
        Flow flow = StartingPoint.Build(spec, options.Seed).to(device);
        var standardization = Standardization.Of(flow, data.Train);
        Tensor Rows(Table table) => TensorRows.From<float>(standardization.Rows(table), table.Rows, table.Width, device);
        Tensor? Contexts(Table table) => table.Context is { } context
            ? TensorRows.From<float>(standardization.Contexts(context), context.Rows, context.Width, device)
            : null;
        Tensor train = Rows(data.Train), validation = Rows(data.Validation);
        Tensor scales = tensor(standardization.Scales, float32, device);
        Tensor? trainContext = Contexts(data.Train), validationContext = Contexts(data.Validation);
        Dequantize? dequantize = flow.Bijections.OfType<Dequantize>().FirstOrDefault();
        // The noise has the data's units.
        Tensor Spread(Tensor x) => dequantize is null ? x : dequantize.Spread(zeros_like(x), generator) / scales + x;
        validation = Spread(validation);
        StartingPoint.FitToData(flow, Spread(train), trainContext);

        Parameter[] parameters = [.. flow.parameters()];
        using AdamW adam = Optimizer(flow, options, data.Train.Rows);
        var groups = adam.ParamGroups.ToArray();
        double[] rates = [.. groups.Select(group => group.LearningRate)];
        using var best = new BestWeights(flow);
        var clock = Stopwatch.StartNew();
        int batch = options.BatchSizeFor(data.Train.Rows), epochs = options.EpochsFor(data.Train.Rows);
        int stepsAnEpoch = (data.Train.Rows + batch - 1) / batch, plannedSteps = stepsAnEpoch * epochs;
        int epochsBetween = (FewestStepsBetweenValidations + stepsAnEpoch - 1) / stepsAnEpoch;
        int patience = Math.Max(5, (int)(options.Patience * epochs / epochsBetween));
        int epoch = 0, steps = 0, skipped = 0, bestEpoch = 0, sinceBest = 0;
        double bestMedian = double.NegativeInfinity;
        TrainingEnd? end = null;

        while (end is null)
        {
            epoch++;
            using var epochScope = NewDisposeScope();
            // Drawn on the CPU, as its generator is: the same order for any device, and asked for on a GPU the call gave no order and a corrupted heap.
            Tensor order = randperm(data.Train.Rows, int64, CPU, generator: generator).to(device);
            double sum = 0;
            int counted = 0;
            for (int first = 0; first < data.Train.Rows && end is null; first += batch, steps++)
            {
                using var stepScope = NewDisposeScope();
                double share = 0.5 * (1 + Math.Cos(Math.PI * steps / plannedSteps));
                for (int g = 0; g < rates.Length; g++)
                    groups[g].LearningRate = rates[g] * share;
                Tensor taken = order.narrow(0, first, Math.Min(batch, data.Train.Rows - first));
                Tensor x = Spread(train.index_select(0, taken));
                adam.zero_grad();
                Tensor loss = flow.LogProb(x, trainContext?.index_select(0, taken)).mean().neg_();
                loss.backward();
                double norm = Gradients.Clip(parameters, options.GradientNorm);
                double value = loss.to(float64).item<double>();
                if (double.IsFinite(norm) && double.IsFinite(value))
                {
                    adam.step();
                    sum -= value * x.shape[0];
                    counted += (int)x.shape[0];
                }
                else
                {
                    skipped++;
                }
                if (stop.IsCancellationRequested)
                    end = TrainingEnd.Cancelled;
                else if (clock.Elapsed > options.MaxTime)
                    end = TrainingEnd.Time;
            }
            if (counted == 0 && end is null)
                throw new FlowException(
                    $"epoch {epoch}: no step had a finite gradient; look for extreme values in the data, lower the learning rate (--lr), "
                    + "or take fewer layers (--layers)");
            if (epoch == epochs)
                end ??= TrainingEnd.Epochs;
            if (end is null && epoch % epochsBetween != 0)
                continue;

            double median = Median.Of(LogProb(flow, validation, validationContext)) - standardization.LogScale;
            if (median > bestMedian)
            {
                (bestMedian, bestEpoch, sinceBest) = (median, epoch, 0);
                best.Keep();
            }
            else if (++sinceBest >= patience)
            {
                end ??= TrainingEnd.Patience;
            }
            double rowsPerSecond = (double)data.Train.Rows * steps / stepsAnEpoch / clock.Elapsed.TotalSeconds;
            double mean = counted == 0 ? double.NaN : sum / counted - standardization.LogScale;
            report?.Invoke(new(epoch, epochs, mean, median, rowsPerSecond, clock.Elapsed));
        }
        if (bestEpoch > 0)
            best.Restore();
        standardization.Install();
        adam.zero_grad();
        flow.eval();
        flow.to(CPU);
        return new(flow, end.Value, epoch, bestEpoch, bestMedian, steps, skipped, clock.Elapsed)
        {
            RowsPerSecond = (double)data.Train.Rows * steps / stepsAnEpoch / clock.Elapsed.TotalSeconds,
        };
    }

    private static AdamW Optimizer(Flow flow, TrainingOptions options, int rows)
    {
        Parameter[] decayed = [.. SeededWeights.Matrices(flow)], mixing = [.. flow.modules().OfType<LuLinear>().SelectMany(linear => linear.Factors)];
        HashSet<nint> handles = [.. decayed.Concat(mixing).Select(parameter => parameter.Handle)];
        AdamW.ParamGroup Group(IEnumerable<Parameter> parameters, double rate, double decay = 0) => new(parameters, new() { LearningRate = rate, weight_decay = decay });
        AdamW.ParamGroup[] groups =
        [
            Group(decayed, options.LearningRate, options.WeightDecayFor(rows)),
            Group(mixing, options.LearningRate * options.MixingRate),
            Group(flow.parameters().Where(parameter => !handles.Contains(parameter.Handle)), options.LearningRate),
        ];
        return optim.AdamW([.. groups.Where(group => group.Parameters.Any())]);
    }

    private static double[] LogProb(Flow flow, Tensor rows, Tensor? context)
    {
        const int chunk = 4096;
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        var logProb = new double[rows.shape[0]];
        for (int first = 0; first < logProb.Length; first += chunk)
        {
            int count = Math.Min(chunk, logProb.Length - first);
            TensorRows.CopyTo(flow.LogProb(rows.narrow(0, first, count), context?.narrow(0, first, count)).to(float64), logProb.AsSpan(first, count));
        }
        return logProb;
    }
}
