using FlowCore.Bijections;
using FlowCore.Bijections.Elements;
using FlowCore.Checkpoints;
using FlowCore.Densities;

namespace FlowCore.Interop;

/// <summary>An imported flow, and the layer of the other library that each of its bijections came from.</summary>
/// <param name="Checkpoint">The flow as it is written.</param>
/// <param name="Origins">The library's path of the layer behind each bijection; empty where it is not one layer's.</param>
public sealed record ForeignFlow(Checkpoint Checkpoint, IReadOnlyList<string> Origins)
{
    /// <summary>Whether the inverse is found by iteration, in the library by a bisection that stops early.</summary>
    public bool InvertsNumerically => Checkpoint.Spec.Bijections.Any(InvertsByIteration);

    /// <summary>One layer of the library as a flow, with a standard normal behind it; null where no bijection came from it.</summary>
    public Checkpoint? Layer(string origin)
    {
        FlowSpec spec = Checkpoint.Spec;
        int[] own = [.. Enumerable.Range(0, Origins.Count).Where(i => Origins[i] == origin)];
        if (own.Length == 0)
            return null;
        var shape = EventShape.Of(spec.EventShape, 0);
        for (int i = 0; i < own[0]; i++)
            shape = spec.Bijections[i].After(shape);
        var weights = new Dictionary<string, WeightTensor>(StringComparer.Ordinal);
        foreach (var (key, tensor) in Checkpoint.Weights)
            if (key.StartsWith("embedding.", StringComparison.Ordinal))
                weights.Add(key, tensor);
        for (int i = 0; i < own.Length; i++)
            foreach (var (key, tensor) in Checkpoint.Weights)
                if (key.StartsWith($"bijections.{own[i]}.", StringComparison.Ordinal))
                    weights.Add($"bijections.{i}.{key[$"bijections.{own[i]}.".Length..]}", tensor);
        FlowSpec layer = spec with
        {
            EventShape = shape.Sizes,
            Bijections = [.. own.Select(i => spec.Bijections[i])],
            Base = new StandardNormalSpec(),
        };
        return new Checkpoint(layer, weights);
    }

    private static bool InvertsByIteration(BijectionSpec spec) => spec switch
    {
        CouplingSpec s => InvertsByIteration(s.Element) || s.KeptElement is { } kept && InvertsByIteration(kept),
        AutoregressiveSpec s => InvertsByIteration(s.Element),
        ElementwiseSpec s => InvertsByIteration(s.Element),
        InvertedSpec s => InvertsByIteration(s.Of),
        SplitSpec s => s.Inner.Any(InvertsByIteration),
        _ => false,
    };

    private static bool InvertsByIteration(ElementSpec spec) =>
        spec is GaussianizationElementSpec or SumOfSquaresElementSpec or BernsteinElementSpec or MonotonicNetworkElementSpec or IntegralElementSpec;
}
