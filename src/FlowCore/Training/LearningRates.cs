using FlowCore.Bijections;

namespace FlowCore.Training;

/// <summary>How a parameter learns: what the learning rate is multiplied by, and its decoupled weight decay.</summary>
internal readonly record struct LearningRate(double Share, double Decay);

/// <summary>Which parameters learn how, by name: one rule for every engine that trains.</summary>
internal static class LearningRates
{
    public static IReadOnlyDictionary<string, LearningRate> Of(Flow flow, TrainingOptions options, int rows)
    {
        HashSet<nint> decayed = [.. SeededWeights.Matrices(flow).Select(parameter => parameter.Handle)];
        // What starts as a regression is known from the data already.
        decayed.ExceptWith(flow.Bijections.OfType<Elementwise>().SelectMany(elementwise => elementwise.parameters()).Select(parameter => parameter.Handle));
        HashSet<nint> mixing = [.. flow.modules().OfType<LuLinear>().SelectMany(linear => linear.Factors).Select(parameter => parameter.Handle)];
        return flow.named_parameters().ToDictionary(
            named => named.name,
            named => decayed.Contains(named.parameter.Handle) ? new LearningRate(1, options.WeightDecayFor(rows))
                : mixing.Contains(named.parameter.Handle) ? new LearningRate(options.MixingRate, 0)
                : new LearningRate(1, 0),
            StringComparer.Ordinal);
    }
}
