namespace FlowCli;

/// <summary>Names of options that older commands and model cards use; no help shows them.</summary>
internal static class FormerWords
{
    private const string Data = "--data", Input = "--input";

    /// <summary>The command in the words of today.</summary>
    public static string[] Renewed(string[] arguments) =>
        arguments is not ["train" or "density", ..] ? arguments
        : [.. arguments.Select(word => word == Data ? Input : word.StartsWith(Data + "=", StringComparison.Ordinal) ? Input + word[Data.Length..] : word)];
}
