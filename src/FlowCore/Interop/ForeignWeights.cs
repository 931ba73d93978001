using FlowCore.Checkpoints;

namespace FlowCore.Interop;

/// <summary>A foreign <c>state_dict</c>: each key is taken exactly once, and what nobody took is an error in the end.</summary>
internal sealed class ForeignWeights(IReadOnlyDictionary<string, WeightTensor> tensors)
{
    private readonly HashSet<string> taken = new(StringComparer.Ordinal);

    /// <summary>The key that was taken last.</summary>
    public string Last { get; private set; } = "";

    public bool Has(string key) => tensors.ContainsKey(key);

    /// <summary>The tensor of that name, half-precision ones widened to float32.</summary>
    public WeightTensor Take(string key)
    {
        if (!tensors.TryGetValue(key, out WeightTensor? tensor))
            throw new ImportException($"tensor '{key}' is missing: the weights are not those of this model.json");
        if (!taken.Add(key))
            throw new ImportException($"tensor '{key}' is used twice by this model.json");
        Last = key;
        return tensor.Widened();
    }

    public WeightTensor Take(string key, params long[] shape)
    {
        WeightTensor tensor = Take(key);
        return tensor.Shape.AsSpan().SequenceEqual(shape)
            ? tensor
            : throw new ImportException($"tensor '{key}' is {tensor.Describe()}, model.json needs [{string.Join(", ", shape)}]");
    }

    /// <summary>Marks keys as known and of no use: counters, constants, copies of what the description says.</summary>
    public void Drop(params ReadOnlySpan<string> keys)
    {
        foreach (string key in keys)
            if (tensors.ContainsKey(key))
                taken.Add(key);
    }

    /// <summary>An ActNorm that has never seen data holds placeholders, not weights.</summary>
    public void RequireInitialized(string key)
    {
        if (Has(key) && Take(key).ToDoubles()[0] == 0)
            throw new ImportException($"'{key}' is 0: this ActNorm has not been initialised; run one training batch through the model, then export it again");
    }

    public void RequireAllTaken()
    {
        string[] rest = [.. tensors.Keys.Where(key => !taken.Contains(key)).Order(StringComparer.Ordinal)];
        if (rest.Length > 0)
            throw new ImportException($"{rest.Length} tensors have no place in this model.json: {string.Join(", ", rest.Take(5))}{(rest.Length > 5 ? ", ..." : "")}");
    }
}
