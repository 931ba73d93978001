using FlowCore.Bijections;
using static TorchSharp.torch;

namespace FlowCore.Training;

/// <summary>The flow that training starts from: the identity as far as the networks go, a fitted normal as far as the data go.</summary>
internal static class StartingPoint
{
    /// <summary>A flow with seeded weights.</summary>
    public static Flow Build(FlowSpec spec, ulong seed)
    {
        Flow flow = FlowBuilder.Build(spec);
        // The flow outlives the scope of its training.
        foreach (Tensor weight in flow.parameters().Concat(flow.buffers()))
            weight.DetachFromDisposeScope();
        SeededWeights.Fill(flow, seed);
        return flow;
    }

    /// <summary>Sets what depends on the data. The last linear layer becomes the whitening of what reaches it.</summary>
    public static void FitToData(Flow flow, Tensor rows, Tensor? context)
    {
        flow.Initialize(rows, context);
        if (flow.Bijections.OfType<LuLinear>().LastOrDefault() is not { } last)
            return;
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        Tensor values = rows;
        Tensor? condition = flow.Condition(context);
        foreach (Bijection bijection in flow.Bijections.TakeWhile(bijection => bijection != last))
            values = bijection.Forward(values, condition).Values;
        last.Whiten(values);
    }
}
