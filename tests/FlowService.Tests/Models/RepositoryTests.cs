using FlowCore.Checkpoints;
using FlowService.Models;
using FlowService.Tests.Support;

namespace FlowService.Tests.Models;

public sealed class RepositoryTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Versions_are_positive_integers_and_dots_hide_a_folder()
    {
        foreach (string path in (string[])["a/1", "a/2", "a/10", "a/01", "a/-1", "a/latest", "a/.2.half", ".hidden/1", "b/3"])
            Directory.CreateDirectory(Path.Combine(folder.Path, path));
        File.WriteAllText(Path.Combine(folder.Path, "README.md"), "not a model");

        var found = Repository(folder.Path).Scan().Folders;

        Assert.Equal(["a/1", "a/2", "a/10", "b/3"], found.Select(model => $"{model.Name}/{model.Version}"));
    }

    [Fact]
    public void A_repository_that_does_not_exist_holds_nothing_and_nothing_of_it_counts_as_gone()
    {
        RepositoryScan scan = Repository(Path.Combine(folder.Path, "none")).Scan();

        Assert.Empty(scan.Folders);
        Assert.Contains("none is not a folder (No such file or directory)", scan.Fault, StringComparison.Ordinal);
        Assert.False(scan.IsGone("m", 1));
    }

    [Theory]
    [InlineData("m/v1/", "is not a version", "rename the folder")]
    [InlineData("m/1.0.0/", "is not a version", "rename the folder")]
    [InlineData("m/20241127093000/", "is not a version", "from 1 to 2147483647")]
    [InlineData("m/01/", "is not a version", "without leading zeros")]
    [InlineData("m/0/", "is not a version", "from 1")]
    [InlineData("m/-1/", "is not a version", "rename the folder")]
    [InlineData("m/7", "is a file", "move it away")]
    [InlineData("foreign/", "holds no version", "move it out of the repository")]
    [InlineData("foreign/notes.txt", "holds no version", "move it out of the repository")]
    [InlineData("m/flow.json", "lies a level too high", "move the files into")]
    [InlineData("m/3/model.json", "an export that was not imported", "flow import")]
    [InlineData("m/3/flow.json/", "is not a file", "write the model anew")]
    [InlineData("modèle/1/flow.json", "cannot be served under this name", "rename the folder")]
    [InlineData("my model/1/flow.json", "cannot be served under this name", "does not begin with '.'")]
    public void What_is_no_version_is_noted_with_the_remedy(string odd, string what, string remedy)
    {
        TestModels.Write(folder.Path, TestModels.Identity("good", 2));
        string path = Path.Combine(folder.Path, odd);
        Directory.CreateDirectory(odd.EndsWith('/') ? path : Path.GetDirectoryName(path)!);
        if (!odd.EndsWith('/'))
            File.WriteAllText(path, "{}");

        RepositoryScan scan = Repository(folder.Path).Scan();

        RepositoryNote note = Assert.Single(scan.Notes);
        Assert.StartsWith(note.Path, path.TrimEnd('/'), StringComparison.Ordinal);
        Assert.Contains(what, note.Reason, StringComparison.Ordinal);
        Assert.Contains(remedy, note.Reason, StringComparison.Ordinal);
        Assert.Contains(scan.Folders, found => found.Name == "good");
    }

    [Fact]
    public void A_files_stamp_is_that_of_what_its_link_leads_to()
    {
        TestModels.Write(folder.Path, TestModels.Spec("a", 2));
        string target = Path.Combine(folder.Path, "a", "1"), links = Folder("b/1");
        foreach (string file in Directory.GetFiles(target))
            File.CreateSymbolicLink(Path.Combine(links, Path.GetFileName(file)), file);
        var behind = new ModelFolder("b", 1, links);
        string weights = Path.Combine(target, Checkpoint.WeightsFile), before = behind.Stamp;

        Assert.Equal(new FileInfo(weights).Length, behind.WeightBytes);
        DateTime written = File.GetLastWriteTimeUtc(weights);
        byte[] bytes = File.ReadAllBytes(weights);
        bytes[^1] ^= 1;
        File.WriteAllBytes(weights, bytes);
        File.SetLastWriteTimeUtc(weights, written); // neither time nor length tells
        Assert.NotEqual(before, behind.Stamp);
    }

    [Fact]
    public void The_repository_of_a_clone_is_found_from_the_programs_folder()
    {
        string repository = Folder("models"), current = Folder("src/FlowService"), program = Folder("src/FlowService/bin/Release/net10.0");
        Folder("src/FlowService/models"); // a folder of sources, on a file system that ignores case
        TestModels.Write(repository, TestModels.Identity("a", 2));

        Assert.Equal(repository, ModelRepository.Locate("models", current, program));
    }

    [Fact]
    public void The_current_folder_comes_first_and_an_absolute_path_is_taken_as_it_is()
    {
        string here = Folder("here/models"), above = Folder("models");
        TestModels.Write(here, TestModels.Identity("a", 2));
        TestModels.Write(above, TestModels.Identity("a", 2));

        Assert.Equal(here, ModelRepository.Locate("models", Folder("here"), Folder("bin")));
        Assert.Equal("/nowhere/models", ModelRepository.Locate("/nowhere/models", Folder("here"), Folder("bin")));
        Assert.Equal(Path.Combine(folder.Path, "here", "none"), ModelRepository.Locate("none", Folder("here"), Folder("bin")));
    }

    private string Folder(string path) => Directory.CreateDirectory(Path.Combine(folder.Path, path)).FullName;

    private static ModelRepository Repository(string path) =>
        new(Microsoft.Extensions.Options.Options.Create(new ModelsOptions { Repository = path }), new Environment());

    private sealed class Environment : Microsoft.Extensions.Hosting.IHostEnvironment
    {
        public string EnvironmentName { get; set; } = "";

        public string ApplicationName { get; set; } = "";

        public string ContentRootPath { get; set; } = Path.GetTempPath();

        public Microsoft.Extensions.FileProviders.IFileProvider ContentRootFileProvider { get; set; } = null!;
    }
}
