using FlowCore.Engines;
using FlowCore.Engines.Compiled;
using FlowCore.Tensors;

namespace FlowCore.Training;

/// <summary>What takes a step of a training: the compiled trainer, or TorchSharp. Rows are flat, row-major, standardised.</summary>
internal abstract class Learner : IDisposable
{
    /// <summary>The engine's name as users see it.</summary>
    public abstract string Engine { get; }

    /// <summary>Why it is this one, where another one was to be expected; null where none was.</summary>
    public string? Reason { get; private init; }

    /// <summary>
    /// One step of AdamW on the mean log density of some rows: its value before the step in nats, and the length of the gradient, which
    /// is shortened where it is too long. Where either is not finite, nothing is changed.
    /// </summary>
    /// <param name="rows">Rows of data.</param>
    /// <param name="contexts">Their contexts; empty where there is none.</param>
    /// <param name="share">The share of the learning rate at this step.</param>
    public abstract (double LogProb, double GradientNorm) Step(ReadOnlySpan<float> rows, ReadOnlySpan<float> contexts, double share);

    /// <summary>log p of each row, in nats.</summary>
    public abstract void LogProb(ReadOnlySpan<float> rows, ReadOnlySpan<float> contexts, Span<double> logProb);

    /// <summary>Remembers the weights as they are.</summary>
    public abstract void Keep();

    /// <summary>Goes back to the weights that were remembered.</summary>
    public abstract void Restore();

    /// <summary>Lets the weights and their running mean (<see cref="RunningMean"/>) change places.</summary>
    public abstract void Swap();

    /// <summary>Gives the flow that training began with the weights that were learned.</summary>
    public abstract void Finish();

    /// <summary>On the CPU the compiled trainer, where it trains the flow's kinds; else TorchSharp.</summary>
    /// <exception cref="FlowException">The compiled trainer was asked for, and does not train this flow.</exception>
    public static Learner Of(Flow flow, TrainingOptions options, int rows)
    {
        IReadOnlyDictionary<string, LearningRate> rates = LearningRates.Of(flow, options, rows);
        if (options.Engine == EngineKind.Torch)
            return new TorchLearner(flow, options, rates) { Reason = "it was asked for" };
        if (options.Engine == EngineKind.Gpu)
            throw new FlowException("the gpu engine serves, and does not train; ask for the compiled engine, or for torch on the device cuda");
        if (!Libtorch.IsCpu(options.Device))
            return options.Engine == EngineKind.Compiled
                ? throw new FlowException($"the compiled trainer runs on the CPU, not on '{options.Device}'; ask for cpu, or for the torch engine")
                : new TorchLearner(flow, options, rates) { Reason = $"the device is {options.Device}" };
        try
        {
            return new CompiledLearner(flow, options, rates);
        }
        catch (NotCompiledException e) when (options.Engine == EngineKind.Auto)
        {
            return new TorchLearner(flow, options, rates) { Reason = e.Message };
        }
    }

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected abstract void Dispose(bool disposing);
}
