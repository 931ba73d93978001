using FlowCore.Engines.Compiled.Formulas;

namespace FlowCore.Engines.Compiled.Training;

/// <summary>Some entries of a formula, side by side among the weights; an entry below 0 is a 0 that is never learned.</summary>
internal sealed record WeightBlock(Formula Formula, int[] Entries, long Offset);

/// <summary>
/// Where the weights of a training stand, in the order in which the steps read them: most parameters are at home in the very block
/// that a step multiplies by. Others are copied there, or computed from their homes, before each step of the training.
/// </summary>
internal sealed class WeightLayout
{
    private const int Unit = 16;

    private readonly List<WeightBlock> blocks = [];

    /// <summary>All values, the gaps between blocks counted.</summary>
    public long Size { get; private set; }

    /// <summary>Reserves a block, and says where it begins.</summary>
    public long Place(Formula formula, int[] entries)
    {
        var block = new WeightBlock(formula, entries, Size);
        blocks.Add(block);
        // Room for a vector past the last value.
        Size += (entries.Length + Unit - 1) / Unit * Unit + Unit;
        return block.Offset;
    }

    /// <summary>
    /// Where each parameter is at home, what is computed from parameters, and the formulas of that in the order of computing.
    /// </summary>
    public (WeightBlock[] Homes, WeightBlock[] Computed, Formula[] Order) Settle(IEnumerable<Formula> others)
    {
        var direct = new Dictionary<Formula, List<WeightBlock>>();
        var computed = new List<WeightBlock>();
        foreach (WeightBlock block in blocks)
            if (Home(block) is { } home)
                (direct.TryGetValue(home.Formula, out List<WeightBlock>? found) ? found : direct[home.Formula] = []).Add(home);
            else
                computed.Add(block);
        var order = new List<Formula>();
        var seen = new HashSet<Formula>();
        foreach (Formula formula in computed.Select(block => block.Formula).Concat(others))
            Visit(formula, seen, order);
        var homes = new List<WeightBlock>();
        foreach (var (parameter, places) in direct)
            if (places.Count == 1 && !seen.Contains(parameter))
            {
                homes.Add(places[0]);
            }
            else
            {
                // Read in several places: each has a copy.
                computed.AddRange(places);
                Visit(parameter, seen, order);
            }
        foreach (Formula parameter in order.Where(formula => formula.Name is not null))
        {
            int[] all = [.. Enumerable.Range(0, parameter.Count)];
            homes.Add(new WeightBlock(parameter, all, Place(parameter, all)));
        }
        return ([.. homes.OrderBy(home => home.Offset)], [.. computed], [.. order]);
    }

    /// <summary>The block as entries of one parameter, each at most once; null where it is none.</summary>
    private static WeightBlock? Home(WeightBlock block)
    {
        WeightBlock? home = block.Formula.Name is not null ? block
            : block.Formula.Picked is var (parameter, indices)
                ? block with { Formula = parameter, Entries = [.. block.Entries.Select(i => i < 0 ? -1 : indices[i])] }
            : null;
        return home is not null && home.Entries.Where(i => i >= 0).Distinct().Count() == home.Entries.Count(i => i >= 0) ? home : null;
    }

    private static void Visit(Formula formula, HashSet<Formula> seen, List<Formula> order)
    {
        if (!formula.Learns || !seen.Add(formula))
            return;
        foreach (Formula source in formula.Sources)
            Visit(source, seen, order);
        order.Add(formula);
    }
}
