namespace FlowRows.Answers;

/// <summary>How many samples may be asked for: one rule, in the same words, for every program and protocol.</summary>
internal static class SampleCount
{
    /// <summary>What is wrong with a number of samples; null where it is at least 1, and all samples are no more than may be.</summary>
    /// <param name="name">What the user calls the number.</param>
    /// <param name="count">The number, of each context.</param>
    /// <param name="most">The most samples of all contexts together.</param>
    /// <param name="contexts">The contexts, or 1 for none.</param>
    /// <param name="setting">The setting that bounds them, if any.</param>
    public static string? Fault(string name, long count, long most, int contexts = 1, string? setting = null)
    {
        if (count >= 1 && count <= most / contexts)
            return null;
        string bound = setting is null ? $"{most}" : $"{most} ({setting})";
        return contexts > 1
            ? $"{name} must be at least 1, and {name} times {contexts} context rows at most {bound}; {name} is {count}"
            : $"{name} must lie in 1..{bound}; it is {count}";
    }
}
