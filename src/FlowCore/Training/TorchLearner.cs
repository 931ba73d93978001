using FlowCore.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace FlowCore.Training;

/// <summary>Trains by TorchSharp's automatic differentiation: on GPUs, and kinds that the compiled trainer does not know.</summary>
internal sealed class TorchLearner : Learner
{
    private const int Piece = 4096;

    private readonly Flow flow;
    private readonly TrainingOptions options;
    private readonly Device device;
    private readonly Parameter[] parameters;
    private readonly Tensor[] averages;
    private readonly AdamW adam;
    private readonly AdamW.ParamGroup[] groups;
    private readonly double[] rates;
    private readonly BestWeights best;
    private int steps;

    public TorchLearner(Flow flow, TrainingOptions options, IReadOnlyDictionary<string, LearningRate> learning)
    {
        (this.flow, this.options) = (flow, options);
        device = Libtorch.Device(options.Device);
        flow.to(device);
        parameters = [.. flow.parameters()];
        averages = [.. parameters.Select(parameter => parameter.detach().clone().DetachFromDisposeScope())];
        groups = [.. flow.named_parameters().GroupBy(named => learning[named.name]).Select(group => new AdamW.ParamGroup(
            group.Select(named => named.parameter), new() { LearningRate = options.LearningRate * group.Key.Share, weight_decay = group.Key.Decay }))];
        rates = [.. groups.Select(group => group.Options.LearningRate ?? options.LearningRate)];
        adam = optim.AdamW(groups);
        groups = [.. adam.ParamGroups.Cast<AdamW.ParamGroup>()];
        best = new BestWeights(flow);
    }

    public override string Engine => "torch";

    public override (double LogProb, double GradientNorm) Step(ReadOnlySpan<float> rows, ReadOnlySpan<float> contexts, double share)
    {
        using var scope = NewDisposeScope();
        for (int g = 0; g < groups.Length; g++)
            groups[g].LearningRate = rates[g] * share;
        adam.zero_grad();
        Tensor logProb = flow.LogProb(Rows(rows), Contexts(contexts)).mean();
        logProb.neg().backward();
        double norm = Gradients.Clip(parameters, options.GradientNorm), value = logProb.to(float64).item<double>();
        if (double.IsFinite(norm) && double.IsFinite(value))
        {
            adam.step();
            Average();
        }
        return (value, norm);
    }

    public override void LogProb(ReadOnlySpan<float> rows, ReadOnlySpan<float> contexts, Span<double> logProb)
    {
        using var mode = no_grad();
        int contextWidth = contexts.Length / logProb.Length, width = flow.Spec.Width;
        for (int first = 0; first < logProb.Length; first += Piece)
        {
            using var scope = NewDisposeScope();
            int count = Math.Min(Piece, logProb.Length - first);
            Tensor piece = flow.LogProb(Rows(rows.Slice(first * width, count * width)), Contexts(contexts.Slice(first * contextWidth, count * contextWidth)));
            TensorRows.CopyTo(piece.to(float64), logProb.Slice(first, count));
        }
    }

    public override void Keep() => best.Keep();

    public override void Restore() => best.Restore();

    public override void Swap()
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        foreach (var (parameter, average) in parameters.Zip(averages))
        {
            Tensor copy = parameter.detach().clone();
            parameter.copy_(average);
            average.copy_(copy);
        }
    }

    public override void Finish()
    {
        adam.zero_grad();
        flow.to(CPU);
    }

    private void Average()
    {
        using var mode = no_grad();
        double share = RunningMean.Share(++steps);
        foreach (var (parameter, average) in parameters.Zip(averages))
            average.mul_(1 - share).add_(parameter, share);
    }

    private Tensor Rows(ReadOnlySpan<float> rows) => TensorRows.From(rows, rows.Length / flow.Spec.Width, flow.Spec.Width, device);

    private Tensor? Contexts(ReadOnlySpan<float> contexts) =>
        contexts.IsEmpty ? null : TensorRows.From(contexts, contexts.Length / flow.Spec.ContextWidth, flow.Spec.ContextWidth, device);

    protected override void Dispose(bool disposing)
    {
        adam.Dispose();
        best.Dispose();
        foreach (Tensor average in averages)
            average.Dispose();
    }
}
