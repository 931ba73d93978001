using System.Reflection;
using FlowService.Batching;
using FlowService.Caching;
using FlowService.Compressing;
using FlowService.Drift;
using FlowService.Explorer;
using FlowService.Limits;
using FlowService.Models;
using FlowService.OpenInference.Grpc;
using FlowService.Proxies;
using FlowService.Scoring;
using FlowService.Security;
using FlowService.Shutdown;
using FlowService.Sources;
using FlowService.Telemetry;

namespace FlowService.Startup;

/// <summary>The settings that there are: the service's own by section, and those of ASP.NET that may stand on the command line.</summary>
internal static class KnownSettings
{
    /// <summary>The sections that are the service's own, and what they are bound to.</summary>
    public static readonly (string Section, Type Options)[] Sections =
    [
        (ModelsOptions.Section, typeof(ModelsOptions)), (ModelsOptions.Section, typeof(ServingOptions)), (BatchingOptions.Section, typeof(BatchingOptions)),
        (LimitsOptions.Section, typeof(LimitsOptions)), (EngineOptions.Section, typeof(EngineOptions)), (TorchOptions.Section, typeof(TorchOptions)),
        (GrpcOptions.Section, typeof(GrpcOptions)), (CacheOptions.Section, typeof(CacheOptions)), (CompressionOptions.Section, typeof(CompressionOptions)), (ProxyOptions.Section, typeof(ProxyOptions)),
        (ScoringOptions.Section, typeof(ScoringOptions)), (DriftOptions.Section, typeof(DriftOptions)),
        (AdminOptions.Section, typeof(AdminOptions)), (TelemetryOptions.Section, typeof(TelemetryOptions)), (SecurityOptions.Section, typeof(SecurityOptions)), (JwtOptions.Section, typeof(JwtOptions)), (ShutdownOptions.Section, typeof(ShutdownOptions)),
        (ExplorerOptions.Section, typeof(ExplorerOptions)),
    ];

    private static readonly string[] OfHost =
    [
        "urls", "http_ports", "https_ports", "environment", "contentRoot", "applicationName", "webRoot", "AllowedHosts", "shutdownTimeoutSeconds",
        "detailedErrors", "captureStartupErrors", "suppressStatusMessages", "preferHostingUrls", "hostingStartupAssemblies", "hostingStartupExcludeAssemblies",
        "forwardedHeaders_Enabled",
    ];

    // Sections below which others choose names; they are checked where they are read.
    private static readonly string[] Named = [ModelOverrides.Section, SourceSettings.Section, ApiKey.Section];

    private static readonly string[] SectionsOfHost = ["Kestrel", "Logging", "Metrics", "HostOptions"];

    // What other programs call it.
    private static readonly Dictionary<string, string> OtherWords = new(StringComparer.OrdinalIgnoreCase)
    {
        ["port"] = "urls",
        ["host"] = "urls",
        ["address"] = "urls",
        ["listen"] = "urls",
        ["http-port"] = "urls",
        ["grpc-port"] = "Grpc:Port",
        ["model"] = "Models:Repository",
        ["models"] = "Models:Repository",
    };

    /// <summary>Each of the service's own settings, and its property.</summary>
    public static readonly Dictionary<string, PropertyInfo> Own = Sections
        .SelectMany(each => each.Options.GetProperties().Where(property => property.CanWrite).Select(property => (Name: $"{each.Section}:{property.Name}", Property: property)))
        .ToDictionary(each => each.Name, each => each.Property, StringComparer.OrdinalIgnoreCase);

    /// <summary>What is wrong with the command line, and with names and values in the service's own sections, wherever they were set.</summary>
    public static IEnumerable<string> Faults(IConfiguration configuration, CommandLine commandLine) => commandLine.Settings
        .Where(name => !IsKnown(name)).Select(Unknown)
        .Concat(commandLine.WithoutValue.Where(IsKnown).Select(name => $"--{name} has no value: write --{name} VALUE."))
        .Concat(Misspelt(configuration))
        .Concat(InSections(configuration))
        .Concat(InHost(configuration))
        .Distinct();

    /// <summary>What is wrong with the text of a setting whose type is known, or null.</summary>
    public static string? Fault(string name, string? text) => text is null ? null
        : Own.TryGetValue(name, out PropertyInfo? property) ? SettingValue.Fault(name, property.PropertyType, text)
        : IsLogLevel(name) ? SettingValue.Fault(name, typeof(LogLevel), text)
        : KestrelLimits.Fault(name, text);

    public static bool IsOwnSection(string name) => name.Equals(ApiKey.Section, StringComparison.OrdinalIgnoreCase)
        || Array.Exists(Sections, each => each.Section.Equals(name, StringComparison.OrdinalIgnoreCase));

    private static IEnumerable<string> InSections(IConfiguration configuration)
    {
        foreach (string section in Sections.Select(each => each.Section).Distinct())
            foreach (IConfigurationSection setting in configuration.GetSection(section).GetChildren())
                if (Array.Exists(Named, section => section.Equals(setting.Path, StringComparison.OrdinalIgnoreCase)))
                    continue; // read, and checked, by name
                else if (!Own.ContainsKey(setting.Path) || setting.GetChildren().Any())
                    yield return Unknown(setting.GetChildren().FirstOrDefault()?.Path ?? setting.Path);
                else if (Fault(setting.Path, setting.Value) is { } fault)
                    yield return fault;
    }

    // The host's own settings whose faults it would tell of without their names, or not at all.
    private static IEnumerable<string> InHost(IConfiguration configuration)
    {
        foreach ((string name, string? text) in configuration.AsEnumerable())
            if (!Own.ContainsKey(name) && Fault(name, text) is { } fault)
                yield return fault;
        if (configuration.GetSection("AllowedHosts").GetChildren().Any())
            yield return "AllowedHosts is a list; it is one text, with semicolons between the hosts, like \"flows.example;localhost\".";
        if (configuration[WebHostDefaults.ServerUrlsKey] is "" && string.IsNullOrEmpty(configuration[WebHostDefaults.HttpPortsKey] ?? configuration[WebHostDefaults.HttpsPortsKey])
            && !configuration.GetSection("Kestrel:Endpoints").Exists())
            yield return "urls is empty: say where to listen, like --urls http://localhost:8080, or leave it out.";
    }

    private static bool IsLogLevel(string name) =>
        name.StartsWith("Logging:", StringComparison.OrdinalIgnoreCase) && name.Contains(":LogLevel:", StringComparison.OrdinalIgnoreCase);

    // Other programs have environment variables too: only a section that is nearly one of ours was meant to be it.
    private static IEnumerable<string> Misspelt(IConfiguration configuration) =>
        from section in configuration.GetChildren()
        where !IsOwnSection(section.Key) && !IsOfHost(section.Key) && section.GetChildren().Any()
            && Sections.Any(each => NearestName.Distance(section.Key.ToLowerInvariant(), each.Section.ToLowerInvariant()) == 1)
        from setting in section.GetChildren()
        select Unknown(setting.Path);

    private static bool IsKnown(string name) => Own.ContainsKey(name) || IsOfHost(name) || IsOfHost(name.Split(':')[0])
        || Array.Exists(Named, section => name.StartsWith($"{section}:", StringComparison.OrdinalIgnoreCase));

    private static bool IsOfHost(string name) => OfHost.Contains(name, StringComparer.OrdinalIgnoreCase)
        || SectionsOfHost.Contains(name, StringComparer.OrdinalIgnoreCase)
        || name.StartsWith("OTEL_", StringComparison.OrdinalIgnoreCase);

    private static string Unknown(string name)
    {
        string? nearest = OtherWords.GetValueOrDefault(name) ?? NearestName.Of(name, Own.Keys.Concat(OfHost));
        return $"There is no setting {name}{(nearest is null ? "" : $"; {Shown(nearest)} is the nearest")}. FlowService --help lists the settings.";
    }

    private static string Shown(string name) => name == "urls" ? "urls (like --urls http://localhost:8080)" : name;
}
