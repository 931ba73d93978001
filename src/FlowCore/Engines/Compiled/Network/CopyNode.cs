using FlowCore.Engines.Compiled.Formulas;
using FlowCore.Engines.Compiled.Steps;

namespace FlowCore.Engines.Compiled.Network;

/// <summary>Other nodes' values side by side in a region of its own, with fixed values around where there is a border.</summary>
internal sealed class CopyNode : Node
{
    /// <summary>The places that each unit comes from, pixel by pixel; null for a fixed value.</summary>
    public required Place?[][] From { get; init; }

    public IReadOnlyList<int> BorderPlaces { get; init; } = [];

    public double Border { get; init; }

    public override IEnumerable<Operation> All()
    {
        if (BorderPlaces.Count > 0)
            yield return new FillOperation(Region, BorderPlaces, Formula.Repeated(Border, BorderPlaces.Count));
        foreach (Operation operation in Of([.. Enumerable.Range(0, Units)]))
            yield return operation;
    }

    protected override IEnumerable<Operation> Of(int[] units)
    {
        var pairs = new List<(Place From, int To)>();
        for (int pixel = 0; pixel < Pixels.Length; pixel++)
            foreach (int unit in units)
                if (From[unit][pixel] is { } place)
                    pairs.Add((place, Pixels[pixel] + Columns[unit]));
        foreach (var group in pairs.GroupBy(pair => pair.From.Region))
            yield return new CopyOperation(group.Key, [.. group.Select(pair => pair.From.Offset)], Region, [.. group.Select(pair => pair.To)]);
        int[] zeros = [.. from pixel in Enumerable.Range(0, Pixels.Length) from unit in units where From[unit][pixel] is null select Pixels[pixel] + Columns[unit]];
        if (zeros.Length > 0)
            yield return new FillOperation(Region, zeros, Formula.Repeated(0, zeros.Length));
    }
}
