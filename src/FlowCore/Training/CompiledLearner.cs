using FlowCore.Checkpoints;
using FlowCore.Engines.Compiled.Formulas;
using FlowCore.Engines.Compiled.Training;
using static TorchSharp.torch;

namespace FlowCore.Training;

/// <summary>Trains by the compiled program and its way back, in float32; the flow's own tensors get the weights at the end.</summary>
internal sealed class CompiledLearner : Learner
{
    private readonly Flow flow;
    private readonly TrainingOptions options;
    private readonly CompiledTraining<float> training;

    /// <exception cref="Engines.Compiled.NotCompiledException">A kind of the flow is not compiled, or has no way back.</exception>
    public CompiledLearner(Flow flow, TrainingOptions options, IReadOnlyDictionary<string, LearningRate> rates)
    {
        (this.flow, this.options) = (flow, options);
        training = new CompiledTraining<float>(Checkpoint.Of(flow), options.Threads, rates);
    }

    public override string Engine => "compiled";

    public override (double LogProb, double GradientNorm) Step(ReadOnlySpan<float> rows, ReadOnlySpan<float> contexts, double share) =>
        training.Step(rows, contexts, options.LearningRate * share, options.GradientNorm);

    public override void LogProb(ReadOnlySpan<float> rows, ReadOnlySpan<float> contexts, Span<double> logProb) => training.LogProb(rows, contexts, logProb);

    public override void Keep() => training.Keep();

    public override void Restore() => training.Restore();

    public override void Swap() => training.Swap();

    public override void Finish()
    {
        using var mode = no_grad();
        training.Read();
        foreach (var (name, target) in flow.named_parameters())
            if (training.Parameters.TryGetValue(name, out Formula? learned))
            {
                using Tensor values = tensor(learned.Values);
                target.copy_(values.reshape(target.shape));
            }
    }

    protected override void Dispose(bool disposing) => training.Dispose();
}
