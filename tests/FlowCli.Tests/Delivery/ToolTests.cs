namespace FlowCli.Tests.Delivery;

/// <summary>`flow` as a .NET tool: packed, installed from that package alone, and run.</summary>
public sealed class ToolTests : IDisposable
{
    private const long NuGetLimit = 250_000_000;

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("flow-tool-");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void The_packed_tool_installs_from_its_package_alone_and_runs()
    {
        string packages = Path.Combine(folder.FullName, "packages"), tools = Path.Combine(folder.FullName, "tools"), flow = Path.Combine(tools, "flow");
        (string, string)[] ownCache = [("NUGET_PACKAGES", Path.Combine(folder.FullName, "cache")), ("DOTNET_CLI_TELEMETRY_OPTOUT", "1"), ("DOTNET_NOLOGO", "1")];

        Clone.Run(Clone.Folder, "dotnet", "pack", "src/FlowCli", "-c", Clone.Configuration, "--no-build", "-o", packages);
        Clone.Run(folder.FullName, ownCache, "dotnet", "tool", "install", "FlowCli", "--tool-path", tools, "--source", packages);

        FileInfo package = Assert.Single(new DirectoryInfo(packages).GetFiles());
        Assert.InRange(package.Length, 0, NuGetLimit);
        Assert.Equal(Cli.Run("--version").Output, Clone.Run(folder.FullName, flow, "--version"));

        // libtorch came with it, and loads.
        string[] sample = ["sample", "--model", Cli.TwoMoons, "--count", "2", "--seed", "1", "--engine", "torch"];
        Assert.Equal(Cli.Run(sample).Output, Clone.Run(folder.FullName, flow, sample));
    }
}
