namespace FlowCore.Engines.Compiled.Steps;

/// <summary>Neighbouring values that stay neighbours: <see cref="Length"/> values from <see cref="From"/> on go to <see cref="To"/> on.</summary>
internal readonly record struct Run(int From, int To, int Length)
{
    /// <summary>The runs of a list: value i comes from from[i] and goes to to[i].</summary>
    public static Run[] Of(IReadOnlyList<int> from, IReadOnlyList<int>? to = null)
    {
        var runs = new List<Run>();
        for (int i = 0; i < from.Count; i++)
        {
            int target = to?[i] ?? i;
            if (runs.Count > 0 && runs[^1] is var last && last.From + last.Length == from[i] && last.To + last.Length == target)
                runs[^1] = last with { Length = last.Length + 1 };
            else
                runs.Add(new Run(from[i], target, 1));
        }
        return [.. runs];
    }
}
