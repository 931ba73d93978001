using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using FlowService.Models;
using FlowService.Security;
using FlowService.Sources;

namespace FlowService.Startup;

/// <summary>A setting as it is documented.</summary>
/// <param name="Name">As it stands on the command line.</param>
/// <param name="Default">Its value where nothing is set.</param>
/// <param name="Meaning">What it says.</param>
/// <param name="When">When it is worth changing; empty where its meaning tells.</param>
internal sealed record Setting(string Name, string Default, string Meaning, string When)
{
    /// <summary>The environment variable.</summary>
    public string Variable => Name.Replace(":", "__", StringComparison.Ordinal);
}

/// <summary>Every setting of the service, in the words of its own documentation, which lies beside the program: the source of --help and of docs/settings.md.</summary>
internal static partial class SettingsTable
{
    public static IReadOnlyList<Setting> All()
    {
        Dictionary<string, XElement> words = Words();
        return
        [
            new("urls", "http://localhost:8080", "Where it listens, with semicolons between.", "Clients are on other machines: configure keys first, then http://0.0.0.0:8080."),
            new("AllowedHosts", "this machine's names where only it is listened to, else all", "The host names under which it may be called, with semicolons between.", "A proxy on this machine passes the public name on."),
            .. KnownSettings.Own.Select(setting => Of(setting.Key, setting.Value, words)),
            .. ApiKey.Settings.Select(setting => new Setting($"{ApiKey.Section}:NAME:{setting.Name}", "", setting.Meaning, "")),
            .. SourceSettings.Settings.Select(setting => new Setting($"{SourceSettings.Section}:NAME:{setting.Name}", "", setting.Meaning, "")),
            new($"{ModelOverrides.Section}:NAME:SETTING", "", "A setting of Batching, or of how a model is served, for the model NAME alone.", "One model is much slower, larger or more urgent than the others."),
            new("OTEL_EXPORTER_OTLP_ENDPOINT", "none", "The collector to which traces, metrics and logs are sent; the other variables of OpenTelemetry are obeyed too.", "There is a collector."),
        ];
    }

    /// <summary>The page of the documentation.</summary>
    public static string Page() => $"""
        # Settings

        Each may stand in `appsettings.json` beside the program, in an environment variable, or on the command line as `--NAME VALUE`; the command line comes before the environment,
        and the environment before the file. All are checked at the start, and everything that is wrong is said at once, with the remedy. Kestrel, Logging and the other settings
        of ASP.NET Core have their usual meaning. This page is what `FlowService --settings` prints.

        | setting | default | environment variable | meaning | change it when |
        |---|---|---|---|---|
        {string.Join('\n', All().Select(each => $"| `{each.Name}` | {each.Default} | `{each.Variable}` | {Cell(each.Meaning)} | {Cell(each.When)} |"))}
        """;

    private static Setting Of(string name, PropertyInfo property, Dictionary<string, XElement> words)
    {
        XElement? member = words.GetValueOrDefault($"P:{property.DeclaringType!.FullName}.{property.Name}");
        return new(name, Text(property.GetValue(Activator.CreateInstance(property.DeclaringType))), Plain(member?.Element("summary")), Plain(member?.Element("remarks")));
    }

    private static string Text(object? value) => value switch
    {
        null or "" => "none",
        bool flag => flag ? "true" : "false",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static Dictionary<string, XElement> Words()
    {
        string path = Path.ChangeExtension(typeof(SettingsTable).Assembly.Location, ".xml");
        return !File.Exists(path) ? [] : XDocument.Load(path).Descendants("member").ToDictionary(member => member.Attribute("name")!.Value);
    }

    private static string Plain(XElement? words) => Blanks().Replace(words?.Value ?? "", " ").Trim();

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();
}
