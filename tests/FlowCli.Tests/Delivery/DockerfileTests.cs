namespace FlowCli.Tests.Delivery;

/// <summary>The steps of the container images, run in an empty folder without a container.</summary>
[Collection(nameof(DockerfileTests))]
public sealed class DockerfileTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("flow-image-");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void The_image_has_the_service_and_flow_on_its_path()
    {
        string source = folder.CreateSubdirectory("src").FullName, app = Path.Combine(folder.FullName, "app");
        string[] lines = Lines("Dockerfile");
        foreach (string line in lines.TakeWhile(line => !line.StartsWith("FROM mcr.microsoft.com/dotnet/aspnet", StringComparison.Ordinal)))
            if (line.Split(' ') is ["COPY", .. var from, var to])
                foreach (string name in from)
                    Copy(Clone.At(name), from.Length > 1 || to.EndsWith('/') && !name.EndsWith('/') ? Path.Combine(source, to, Path.GetFileName(name)) : Path.Combine(source, to));
            else if (line.StartsWith("RUN ", StringComparison.Ordinal))
                // Compiling ahead of time would need a compiler that nothing else here needs.
                Clone.Run(source, [("TORCH", Torch(lines))], "bash", "-c", line["RUN ".Length..].Replace(" -p:PublishReadyToRun=true", "", StringComparison.Ordinal).Replace("/app", app, StringComparison.Ordinal));

        Assert.Contains("COPY --from=build /app .", lines);
        Assert.Contains(lines, line => line.Contains(" PATH=$PATH:/app ", StringComparison.Ordinal));
        (string, string)[] path = [("PATH", $"{Environment.GetEnvironmentVariable("PATH")}:{app}")];
        Assert.StartsWith("x,y,log_prob,log_q\n", Clone.Run(folder.FullName, path, "bash", "-c", $"flow sample --model {Cli.TwoMoons} --count 2"), StringComparison.Ordinal);
        // Without libtorch, what needs it says how to get it.
        Assert.Equal("none", Torch(lines));
        Assert.Contains("TORCH=cpu", Clone.Run(folder.FullName, path, "bash", "-c", $"flow sample --model {Cli.TwoMoons} --count 2 --engine torch 2>&1 || true"), StringComparison.Ordinal);
        Assert.StartsWith("0.", Clone.Run(folder.FullName, path, "bash", "-c", "FlowService --version").Replace("FlowService ", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public void The_image_for_gpus_is_built_by_the_same_steps()
    {
        static string[] Steps(string file) =>
            [.. Lines(file).Where(line => line.StartsWith("COPY ", StringComparison.Ordinal) || line.StartsWith("RUN ", StringComparison.Ordinal))
                .Where(line => !line.Contains("nvrtc", StringComparison.Ordinal) && !line.Contains("/kernels", StringComparison.Ordinal))];

        Assert.Equal(Steps("Dockerfile"), Steps("Dockerfile.cuda"));
        Assert.Equal("none", Torch(Lines("Dockerfile.cuda")));
        Assert.Contains(Lines("Dockerfile.cuda"), line => line.Contains(" PATH=$PATH:/app ", StringComparison.Ordinal));
    }

    // What the image is built with where nobody says otherwise.
    private static string Torch(string[] lines) => lines.Single(line => line.StartsWith("ARG TORCH=", StringComparison.Ordinal))["ARG TORCH=".Length..];

    private static string[] Lines(string file) => [.. File.ReadAllText(Clone.At("deploy", file)).Replace("\\\n", "", StringComparison.Ordinal).Split('\n')];

    // As .dockerignore has it: without what was built.
    private static void Copy(string from, string to)
    {
        if (File.Exists(from))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(from, to, overwrite: true);
            return;
        }
        foreach (string path in Directory.EnumerateFileSystemEntries(from).Where(path => Path.GetFileName(path) is not ("bin" or "obj")))
            Copy(path, Path.Combine(to, Path.GetFileName(path)));
    }
}
