using FlowCore.Bijections;
using FlowCore.Tensors;
using FlowCore.Training.Mixtures;
using static TorchSharp.torch;

namespace FlowCore.Training;

/// <summary>The flow that training starts from: the identity as far as the networks go, a fitted normal as far as the data go.</summary>
internal static class StartingPoint
{
    // Channels of images, each with hundreds or thousands of pixels, are known from fewer rows than the covariance of columns.
    private const int MostRows = 1 << 16, MostImages = 1 << 10, LeastImages = 64, MostPixels = 1 << 18;

    /// <summary>A flow with seeded weights.</summary>
    public static Flow Build(FlowSpec spec, ulong seed)
    {
        Flow flow = FlowBuilder.Build(spec);
        SeededWeights.Fill(flow, seed);
        return flow;
    }

    /// <summary>
    /// Sets what depends on the data, bijection by bijection. The last linear layer becomes the whitening of what reaches it, unless a mixture in the
    /// base is fitted to what the rows become: that one needs none, and the flow starts as the mixture that was chosen. Rows go through in
    /// pieces, so that networks see few at a time.
    /// </summary>
    public static void FitToData(Flow flow, TrainingRows train, TrainingOptions options)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        int most = flow.Spec.EventShape.Length > 1 ? Math.Clamp(MostPixels / flow.Spec.Width, LeastImages, MostImages) : MostRows;
        int count = Math.Min(train.Count, most);
        float[] rows = new float[count * flow.Spec.Width], contexts = new float[count * flow.Spec.ContextWidth];
        train.Take(RowOrder.First(count), epoch: 0, rows, contexts);
        Tensor values = flow.Shaped(TensorRows.From<float>(rows, count, flow.Spec.Width));
        Tensor? condition = flow.Condition(flow.Spec.Context is null ? null : TensorRows.From<float>(contexts, count, flow.Spec.ContextWidth));
        LuLinear? last = MixtureFlow.IsBaseOf(flow.Spec) ? null : flow.Bijections.OfType<LuLinear>().LastOrDefault();
        foreach (Bijection bijection in flow.Bijections)
        {
            if (bijection == last)
                last.Whiten(values);
            values = bijection.StartFrom(values, condition);
        }
        MixtureFlow.FitBase(flow, values, options.MixturePrior, options.Seed);
    }
}
