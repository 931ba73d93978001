using FlowCore.Checkpoints;

namespace FlowCore;

/// <summary>
/// Where a part of a description stands: its field in flow.json, and its name among the weights. Each record checks itself with it,
/// by arithmetic alone, and states the tensors that it needs.
/// </summary>
internal sealed class SpecScope
{
    /// <summary>The most values of one row, at any place of a flow: features, and a network's units at all pixels.</summary>
    public const int MostValues = 1 << 23;

    /// <summary>The most entries of a list of bijections, layers or levels.</summary>
    public const int MostParts = 4096;

    // Beyond these a setting is a slip: what it makes of a value cannot be told from 0, or from infinity.
    private const double Largest = 1e6, Smallest = 1e-6;
    private const int Deepest = 256;

    private readonly NeededTensors needed;
    private readonly string field, prefix;
    private readonly int depth;

    public SpecScope(string field, NeededTensors needed) : this(field, "", 0, needed)
    {
    }

    private SpecScope(string field, string prefix, int depth, NeededTensors needed) =>
        (this.field, this.prefix, this.depth, this.needed) = (field, prefix, depth, needed);

    /// <summary>A part that has one name in both.</summary>
    public SpecScope In(string part) => In(part, part);

    /// <summary>A part by its field and by the name of its weights; null where its weights stand among those of the whole.</summary>
    public SpecScope In(string part, string? weights) => depth < Deepest
        ? new(Joined(part), weights is null ? prefix : $"{prefix}{weights}.", depth + 1, needed)
        : throw Refusal(part, $"is nested more than {Deepest} deep");

    /// <summary>An entry of a list.</summary>
    public SpecScope In(string list, int index) => In($"{list}[{index}]", $"{list}.{index}");

    /// <summary>States a tensor of float32.</summary>
    public void Need(string name, params int[] shape) => Need(name, WeightType.F32, shape);

    public void Need(string name, WeightType type, params int[] shape) => needed.Add(prefix + name, type, shape);

    /// <summary>A message that names a field of this part; an empty name is the part itself.</summary>
    public SpecException Refusal(string name, string message) => new($"{Joined(name)}: {message}");

    /// <summary>A part or a list that the file may not leave out, or give as null.</summary>
    public T Given<T>(T? value, string name)
        where T : class => value ?? throw Refusal(name, "is missing");

    /// <summary>A list of parts.</summary>
    public T[] List<T>(T[]? parts, string name)
        where T : class
    {
        if (Given(parts, name).Length > MostParts)
            throw Refusal(name, $"{parts!.Length} are more than {MostParts}");
        for (int i = 0; i < parts!.Length; i++)
            Given(parts[i], $"{name}[{i}]");
        return parts;
    }

    public void Within(string name, long value, long least, long most)
    {
        if (value < least || value > most)
            throw Refusal(name, $"must lie in {least}..{most}, is {value}");
    }

    /// <summary>The number of values of a place, at so many pixels.</summary>
    public void Width(string name, long value, int pixels)
    {
        if (value < 1)
            throw Refusal(name, $"must be at least 1, is {value}");
        if (value > MostValues / pixels)
            throw Refusal(name, $"must be at most {MostValues / pixels}, is {value}");
    }

    public void Positive(string name, double value)
    {
        if (!(value > 0))
            throw Refusal(name, $"must be positive, is {value}");
        if (value is < Smallest or > Largest)
            throw Refusal(name, $"must lie in {Smallest}..{Largest}, is {value}");
    }

    public void NotNegative(string name, double value)
    {
        if (!(value >= 0))
            throw Refusal(name, $"must not be negative, is {value}");
        if (value > Largest)
            throw Refusal(name, $"must be at most {Largest}, is {value}");
    }

    /// <summary>A number of either sign.</summary>
    public void Number(string name, double value, double largest = Largest)
    {
        if (!(Math.Abs(value) <= largest))
            throw Refusal(name, $"must lie in -{largest}..{largest}, is {value}");
    }

    public void Known<T>(string name, T value)
        where T : struct, Enum
    {
        if (!Enum.IsDefined(value))
            throw Refusal(name, $"{value} is none of the values that it may have");
    }

    /// <summary>Different positions below a count.</summary>
    public void Positions(string name, int[]? positions, int count)
    {
        if (Given(positions, name).Any(position => position < 0 || position >= count) || positions!.Distinct().Count() != positions!.Length)
            throw Refusal(name, $"must be different positions in 0..{count - 1}");
    }

    /// <summary>The features of a vector.</summary>
    public int Vector(EventShape shape) => shape.IsImage
        ? throw Refusal("kind", $"needs a vector event, here the event shape is [{string.Join(", ", shape.Sizes)}]")
        : shape.Features;

    public (int Channels, int Height, int Width) Image(EventShape shape) => shape.IsImage
        ? shape.Image
        : throw Refusal("kind", $"needs an image event, here the event shape is [{string.Join(", ", shape.Sizes)}]");

    private string Joined(string name) => name.Length == 0 ? field : field.Length == 0 ? name : $"{field}.{name}";
}
