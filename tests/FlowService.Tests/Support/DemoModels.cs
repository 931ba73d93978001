namespace FlowService.Tests.Support;

/// <summary>The models that the project ships, beside the tests.</summary>
internal static class DemoModels
{
    /// <summary>The folder of all of them.</summary>
    public static string All => Path.Combine(AppContext.BaseDirectory, "models");

    /// <summary>A repository of some of them: a service need not wait for those that a test does not ask.</summary>
    public static TemporaryFolder Repository(params string[] names)
    {
        var repository = new TemporaryFolder();
        CopyTo(repository, names);
        return repository;
    }

    /// <summary>Puts some of them into a repository, in the place of others of their names.</summary>
    public static void CopyTo(TemporaryFolder repository, params string[] names)
    {
        foreach (string name in names)
        {
            string to = Path.Combine(repository.Path, name, "1");
            if (Directory.Exists(to))
                Directory.Delete(to, recursive: true);
            Directory.CreateDirectory(to);
            foreach (string file in Directory.GetFiles(Path.Combine(All, name, "1")))
                File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        }
    }
}
