namespace FlowCore.Checkpoints;

/// <summary>A tensor that a description needs: its type (float64 stands in for float32, and the other way round) and its shape.</summary>
internal sealed record NeededTensor(WeightType Type, int[] Shape)
{
    public bool Fits(WeightTensor tensor) =>
        tensor.Type is WeightType.F32 or WeightType.F64 && tensor.Shape.Length == Shape.Length && !tensor.Shape.Where((size, axis) => size != Shape[axis]).Any();

    public string Describe() => $"{Type} [{string.Join(", ", Shape)}]";
}

/// <summary>The tensors that a description needs, by name, worked out by arithmetic alone: they are compared with the weights before any is allocated.</summary>
internal sealed class NeededTensors
{
    /// <summary>The most values that a weights file of 2 GB can hold, in float32.</summary>
    private const long MostValues = 1L << 29;

    private const int MostTensors = 1 << 17;

    private readonly Dictionary<string, NeededTensor> tensors = new(StringComparer.Ordinal);
    private long values;

    /// <exception cref="SpecException">The flow needs more than any file holds.</exception>
    public void Add(string name, WeightType type, int[] shape)
    {
        long size = shape.Aggregate(1L, (product, axis) => Math.Min(MostValues + 1, product * axis));
        if ((values += size) > MostValues)
            throw new SpecException($"tensor '{name}' of shape [{string.Join(", ", shape)}] takes the flow's weights above {MostValues} values");
        tensors.Add(name, new(type, shape));
        if (tensors.Count > MostTensors)
            throw new SpecException($"the flow needs more than {MostTensors} tensors");
    }

    /// <summary>Compares names, types and shapes, and looks for what is not finite.</summary>
    /// <exception cref="CheckpointException">The message names the tensor.</exception>
    public void Compare(IReadOnlyDictionary<string, WeightTensor> weights)
    {
        if (tensors.Keys.Except(weights.Keys).Order(StringComparer.Ordinal).FirstOrDefault() is { } missing)
            throw new CheckpointException($"tensor '{missing}' is missing; the flow that flow.json describes needs it");
        if (weights.Keys.Except(tensors.Keys).Order(StringComparer.Ordinal).FirstOrDefault() is { } unknown)
            throw new CheckpointException($"tensor '{unknown}' has no place in the flow that flow.json describes");
        foreach (var (name, needed) in tensors)
        {
            WeightTensor tensor = weights[name];
            if (!needed.Fits(tensor))
                throw new CheckpointException($"tensor '{name}' is {tensor.Describe()}, the flow needs {needed.Describe()}");
            if (tensor.FirstNonFinite() is >= 0 and var bad)
                throw new CheckpointException($"tensor '{name}' holds NaN or infinity at element {bad}");
        }
    }

    /// <summary>Whether these are the same tensors.</summary>
    public bool IsSameAs(NeededTensors other) => tensors.Count == other.tensors.Count
        && tensors.All(each => other.tensors.TryGetValue(each.Key, out NeededTensor? same) && same.Type == each.Value.Type && same.Shape.AsSpan().SequenceEqual(each.Value.Shape));

    public IReadOnlyDictionary<string, NeededTensor> ByName => tensors;
}
