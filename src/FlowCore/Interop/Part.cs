using FlowCore.Checkpoints;

namespace FlowCore.Interop;

/// <summary>An imported piece: its description and its weights, by the names that they have within the piece.</summary>
internal sealed record Part<TSpec>(TSpec Spec, Dictionary<string, WeightTensor> Weights)
{
    /// <summary>The library's path of the layer that this is a part of, or all of.</summary>
    public string Origin { get; init; } = "";
}

internal static class Part
{
    public static Part<TSpec> Of<TSpec>(TSpec spec, params (string Name, WeightTensor Tensor)[] weights) =>
        new(spec, weights.ToDictionary(weight => weight.Name, weight => weight.Tensor, StringComparer.Ordinal));

    /// <summary>Puts a piece's weights under a prefix.</summary>
    public static void AddTo<TSpec>(this Part<TSpec> part, Dictionary<string, WeightTensor> weights, string prefix)
    {
        foreach (var (name, tensor) in part.Weights)
            weights.Add($"{prefix}.{name}", tensor);
    }

    /// <summary>Says of the parts from a place on which layer they came from.</summary>
    public static void CameFrom(this List<Part<BijectionSpec>> parts, int start, string origin)
    {
        for (int i = start; i < parts.Count; i++)
            parts[i] = parts[i] with { Origin = origin };
    }

    /// <summary>Turns a bijection round.</summary>
    public static Part<BijectionSpec> Inverted(this Part<BijectionSpec> part)
    {
        // What changes the event's shape has a kind for each direction.
        if (part.Spec is Bijections.SqueezeSpec { Order: var order })
            return part with { Spec = new Bijections.UnsqueezeSpec { Order = order } };
        var weights = new Dictionary<string, WeightTensor>(StringComparer.Ordinal);
        part.AddTo(weights, "of");
        return new(new Bijections.InvertedSpec { Of = part.Spec }, weights);
    }

    /// <summary>A bijection's own description with the weights of its parts.</summary>
    public static Part<BijectionSpec> Bijection(BijectionSpec spec, params (string Prefix, Dictionary<string, WeightTensor> Weights)[] parts)
    {
        var weights = new Dictionary<string, WeightTensor>(StringComparer.Ordinal);
        foreach (var (prefix, part) in parts)
            foreach (var (name, tensor) in part)
                weights.Add(prefix.Length == 0 ? name : $"{prefix}.{name}", tensor);
        return new(spec, weights);
    }
}
