using System.Diagnostics;
using System.Reflection;

namespace FlowCli.Tests.Delivery;

/// <summary>The clone that these tests were built from, and programs that are run in some folder.</summary>
internal static class Clone
{
    public static string Folder => Metadata("Repository");

    /// <summary>Debug or Release, as these tests were built.</summary>
    public static string Configuration => Metadata("Configuration");

    public static string At(params string[] parts) => Path.Combine([Folder, .. parts]);

    /// <summary>What a program prints, once it has ended well.</summary>
    public static string Run(string folder, string program, params string[] arguments) => Run(folder, [], program, arguments);

    /// <summary>The same, under more environment variables.</summary>
    public static string Run(string folder, (string Name, string Value)[] environment, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        // A build's servers would outlive it, and hold its outputs open.
        foreach (var (name, value) in (ReadOnlySpan<(string, string)>)[("MSBUILDDISABLENODEREUSE", "1"), ("UseSharedCompilation", "false"), .. environment])
            start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: exit code {process.ExitCode}\n{output}\n{error.Result}");
        return output;
    }

    private static string Metadata(string key) =>
        typeof(Clone).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == key).Value!;
}
