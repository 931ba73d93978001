using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using FlowService.OpenInference.Metadata;
using FlowService.Security;

namespace FlowService.Startup;

/// <summary>What --help and --version say. The settings are told in the words of their own documentation, which lies beside the program.</summary>
internal static partial class HelpText
{
    private const int Width = 110;
    private const string Indent = "      ";

    public static string Version => $"FlowService {ServerMetadata.Own.Version}";

    public static string Help()
    {
        Dictionary<string, string> words = Words();
        IEnumerable<string> settings = KnownSettings.Own.Select(setting => $"  --{setting.Key} VALUE\n{Wrapped(words.GetValueOrDefault(NameOf(setting.Value), ""))}");
        return $"""
            {Version}: an inference server for normalizing flows. Densities, samples and latents over HTTP and gRPC.

            Usage: FlowService [--Section:Name VALUE]... [--insecure]
                   FlowService key [-]      makes a key and its hash; - hashes one from the input
                   FlowService --help | -h | --version

            Examples:
              FlowService --Models:Repository /models
              FlowService --urls http://0.0.0.0:80 --Grpc:Port 81 --Torch:Device cuda

            The same settings stand in appsettings.json beside the program, and in environment variables (Models__Repository=/models);
            the command line comes before the environment, and the environment before the file.

            Settings:
              --urls VALUE
            {Wrapped("Where it listens, with semicolons between (default http://localhost:8080).")}
            {string.Join('\n', settings)}
            {string.Join('\n', ApiKey.Settings.Select(setting => $"  --{ApiKey.Section}:NAME:{setting.Name} VALUE\n{Wrapped(setting.Meaning)}"))}
              --{Models.ModelOverrides.Section}:NAME:SETTING VALUE
            {Wrapped("A setting of Batching, or of how a model is served, for the model NAME alone.")}

            Kestrel, Logging, AllowedHosts and the other settings of ASP.NET Core have their usual meaning.
            """;
    }

    private static string NameOf(PropertyInfo property) => $"P:{property.DeclaringType!.FullName}.{property.Name}";

    private static Dictionary<string, string> Words()
    {
        string path = Path.ChangeExtension(typeof(HelpText).Assembly.Location, ".xml");
        return !File.Exists(path) ? [] : XDocument.Load(path).Descendants("member")
            .ToDictionary(member => member.Attribute("name")!.Value, member => Blanks().Replace(member.Element("summary")?.Value ?? "", " ").Trim());
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

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();
}
