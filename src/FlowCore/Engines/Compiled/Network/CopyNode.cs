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
        var copies = new Dictionary<Region, (List<int> From, List<int> To)>();
        var zeros = new List<int>();
        // Neighbours come from one region nearly always: it is not looked up anew for each value of a large image.
        Region? last = null;
        (List<int> From, List<int> To) copy = ([], []);
        for (int pixel = 0; pixel < Pixels.Length; pixel++)
            foreach (int unit in units)
            {
                int to = Pixels[pixel] + Columns[unit];
                if (From[unit][pixel] is not { } place)
                {
                    zeros.Add(to);
                    continue;
                }
                if (place.Region != last && !copies.TryGetValue(last = place.Region, out copy))
                    copies.Add(last, copy = ([], []));
                copy.From.Add(place.Offset);
                copy.To.Add(to);
            }
        foreach (var (region, (from, to)) in copies)
            yield return new CopyOperation(region, [.. from], Region, [.. to]);
        if (zeros.Count > 0)
            yield return new FillOperation(Region, [.. zeros], Formula.Repeated(0, zeros.Count));
    }
}
