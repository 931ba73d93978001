using FlowCore.Bijections;
using FlowCore.Conditioners.Layers;
using static TorchSharp.torch;

namespace FlowCore.Training;

/// <summary>The flow that training starts from: the identity as far as the networks go, a fitted normal as far as the data go.</summary>
internal static class StartingPoint
{
    /// <summary>A flow with seeded weights that standardises by the training rows.</summary>
    public static Flow Build(FlowSpec spec, Table train, ulong seed)
    {
        Flow flow = FlowBuilder.Build(spec);
        // The flow outlives the scope of its training.
        foreach (Tensor weight in flow.parameters().Concat(flow.buffers()))
            weight.DetachFromDisposeScope();
        SeededWeights.Fill(flow, seed);
        // Standardisation is in the data's units only where nothing but dequantisation stands before it.
        if (flow.Bijections.SkipWhile(bijection => bijection is Dequantize).FirstOrDefault() is Standardize standardize)
        {
            ColumnFacts[] facts = ColumnFacts.Of(train);
            standardize.Set(
                [.. facts.Select(column => column.Mean)],
                [.. facts.Select(column => column.IsConstant ? 1 : column.Deviation)]);
        }
        if (train.Context is { } context && flow.Embedding.FirstOrDefault() is StandardizeLayer first)
        {
            ColumnFacts[] facts = ColumnFacts.Of(context);
            first.Set(
                [.. facts.Select(column => column.Mean)],
                [.. facts.Select(column => column.IsConstant ? 1 : column.Deviation)]);
        }
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
