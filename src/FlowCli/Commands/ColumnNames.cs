using FlowCore;

namespace FlowCli.Commands;

/// <summary>What the columns of written rows are called.</summary>
internal static class ColumnNames
{
    public const string LogProb = "log_prob", LogDet = "log_det", LogQ = "log_q";

    /// <summary>The model's features, or x0, x1, ...</summary>
    public static string[] Data(FlowSpec spec) => spec.Features ?? Numbered("x", spec.Width);

    /// <summary>z0, z1, ...</summary>
    public static string[] Latents(FlowSpec spec) => Numbered("z", spec.Width);

    private static string[] Numbered(string letter, int width) => [.. Enumerable.Range(0, width).Select(i => $"{letter}{i}")];
}
