namespace FlowRows.Tests.Tour;

/// <summary>The commands of the README's tour, each with the answer that stands under it.</summary>
internal static class Readme
{
    private const string Prompt = "$ ";

    public static IReadOnlyList<(string Command, string Answer)> Tour()
    {
        string text = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "README.md"));
        int begin = text.IndexOf("## The tour", StringComparison.Ordinal), end = text.IndexOf("\n## ", begin, StringComparison.Ordinal);
        var steps = new List<(string Command, string Answer)>();
        foreach (string block in text[begin..end].Split("```sh\n").Skip(1))
            foreach (string line in block[..block.IndexOf("```", StringComparison.Ordinal)].Split('\n', StringSplitOptions.RemoveEmptyEntries))
                if (line.StartsWith(Prompt, StringComparison.Ordinal))
                    steps.Add((line[Prompt.Length..], ""));
                else
                    steps[^1] = (steps[^1].Command, steps[^1].Answer + line + "\n");
        return steps;
    }
}
