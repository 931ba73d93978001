using FlowService.OpenInference.Metadata;

namespace FlowService.Startup;

/// <summary>What --help and --version say.</summary>
internal static class HelpText
{
    private const int Width = 110;
    private const string Indent = "      ";

    public static string Version => $"FlowService {ServerMetadata.Own.Version}";

    public static string Help() => $"""
        {Version}: an inference server for normalizing flows. Densities, samples and latents over HTTP and gRPC.

        Usage: FlowService [--Section:Name VALUE]... [--insecure]
               FlowService key [-]      makes a key and its hash; with - it hashes one from the input
               FlowService --help | -h | --settings | --version

        Examples:
          FlowService --Models:Repository /models
          FlowService --urls http://0.0.0.0:80 --Grpc:Port 81 --Torch:Device cuda --Security:KeysFile /run/secrets/keys.json

        The same settings stand in appsettings.json beside the program, and in environment variables (Models__Repository=/models);
        the command line comes before the environment, and the environment before the file.

        Settings:
        {string.Join('\n', SettingsTable.All().Select(Of))}

        Kestrel, Logging and the other settings of ASP.NET Core have their usual meaning.
        """;

    private static string Of(Setting setting)
    {
        string meaning = setting.Meaning.Contains("default", StringComparison.Ordinal) || setting.Default.Length == 0 ? setting.Meaning : $"{setting.Meaning} Default: {setting.Default}.";
        return $"  --{setting.Name} VALUE\n{Wrapped(setting.When.Length == 0 ? meaning : $"{meaning} Change it when: {setting.When}")}";
    }

    private static string Wrapped(string text)
    {
        var lines = new List<string>();
        foreach (string word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            if (lines.Count > 0 && lines[^1].Length + 1 + word.Length <= Width)
                lines[^1] += " " + word;
            else
                lines.Add(Indent + word);
        return string.Join('\n', lines);
    }
}
