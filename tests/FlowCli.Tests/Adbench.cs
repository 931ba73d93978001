using System.Globalization;

namespace FlowCli.Tests;

/// <summary>Tables of ADBench, which the project may not ship: they stand in a folder beside it, shared/data/adbench, or the test is skipped.</summary>
internal static class Adbench
{
    /// <summary>The rows of a table, and whether each is an anomaly.</summary>
    public static (double[][] Rows, bool[] Anomalous, string[] Names) Read(string name)
    {
        string? file = Find(name);
        Assert.SkipUnless(file is not null, $"needs shared/data/adbench/{name}.csv beside the repository");
        string[] lines = File.ReadAllLines(file!);
        double[][] rows = [.. lines.Skip(1).Select(line => line.Split(',').Select(cell => double.Parse(cell, CultureInfo.InvariantCulture)).ToArray())];
        return ([.. rows.Select(row => row[..^1])], [.. rows.Select(row => row[^1] != 0)], lines[0].Split(',')[..^1]);
    }

    private static string? Find(string name)
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (Path.Combine(folder.FullName, "shared", "data", "adbench", $"{name}.csv") is var file && File.Exists(file))
                return file;
        return null;
    }
}
