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

        var found = Repository(folder.Path).Scan();

        Assert.Equal(["a/1", "a/2", "a/10", "b/3"], found.Select(model => $"{model.Name}/{model.Version}"));
    }

    [Fact]
    public void A_repository_that_does_not_exist_holds_nothing() => Assert.Empty(Repository(Path.Combine(folder.Path, "none")).Scan());

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
