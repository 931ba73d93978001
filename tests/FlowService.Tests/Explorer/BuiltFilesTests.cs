using System.Diagnostics;
using FlowService.Tests.Support;

namespace FlowService.Tests.Explorer;

/// <summary>The committed files of the page are those that its sources give.</summary>
public sealed class BuiltFilesTests
{
    private static readonly string[] Places = ["/usr/local/bin/npm", "/usr/bin/npm", "/opt/node/bin/npm"];

    [Fact]
    public async Task A_build_of_the_sources_gives_the_committed_files()
    {
        string npm = Installed.Find("Node.js", "whether the explorer's files are those of its sources", "npm", Places);
        using var copy = new TemporaryFolder();
        string sources = Sources();
        await RunAsync("cp", ["-r", .. Directory.GetFileSystemEntries(sources).Where(path => Path.GetFileName(path) != "node_modules"), copy.Path], sources);

        await RunAsync(npm, ["ci", "--no-audit", "--no-fund"], copy.Path);
        await RunAsync(npm, ["run", "check"], copy.Path);
    }

    private static string Sources()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (Path.Combine(folder.FullName, "src", "FlowExplorer") is { } path && Directory.Exists(path))
                return path;
        throw new DirectoryNotFoundException("src/FlowExplorer is not above the tests");
    }

    private static async Task RunAsync(string program, string[] arguments, string folder)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {await output}{await errors}");
    }
}
