using FlowCore.Checkpoints;
using FlowService.Startup;

namespace FlowService.Sources;

/// <summary>Where models come from, as the section <c>Models:Sources</c> says it.</summary>
/// <param name="Name">What the source is called in settings and logs.</param>
/// <param name="From">Its address.</param>
/// <param name="Model">The model that a repository of the Hugging Face layout holds.</param>
/// <param name="Token">What is sent as Authorization: Bearer, or null.</param>
/// <param name="Sha256">The archive's hash, or null where it stands beside it.</param>
/// <param name="Endpoint">The server of the S3 API or of the Hugging Face layout, or null for the usual one.</param>
/// <param name="Region">The region of the S3 API.</param>
/// <param name="AccessKey">The key of the S3 API; null for what the AWS environment says, "-" for a public bucket.</param>
/// <param name="SecretKey">Its secret.</param>
internal sealed record SourceSettings(
    string Name, Uri From, string Model, string? Token, string? Sha256, Uri? Endpoint, string Region, string? AccessKey, string? SecretKey)
{
    /// <summary>The section with the sources, by their names.</summary>
    public const string Section = "Models:Sources";

    /// <summary>What is said of a source; the first is needed.</summary>
    public static readonly (string Name, string Meaning)[] Settings =
    [
        ("From", "Where models are pulled from: https://HOST/FOLDER/SHA256SUMS, an https archive (.tar, .tar.gz, .tgz, .zip), s3://BUCKET/PREFIX, or hf://ORG/NAME@REVISION."),
        ("Model", "Of hf:// alone: the model's name here (default NAME of Models:Sources:NAME)."),
        ("Token", "Of https:// and hf://: sent as Authorization: Bearer (default none)."),
        ("Sha256", "Of an archive: its SHA-256; left out, it is read from the file beside it, whose name ends with .sha256."),
        ("Endpoint", "The server of the S3 API, like https://minio.example:9000, or of the Hugging Face layout (default AWS, https://huggingface.co)."),
        ("Region", "Of s3://: the region (default us-east-1)."),
        ("AccessKey", "Of s3://: the access key; left out, what AWS_ACCESS_KEY_ID, a web identity or the machine's role says; - for a public bucket."),
        ("SecretKey", "Of s3://: the access key's secret."),
    ];

    /// <summary>Whether it is a file of several versions.</summary>
    public bool IsArchive => IsHttp && Array.Exists([".tar", ".tar.gz", ".tgz", ".zip"], end => From.AbsolutePath.EndsWith(end, StringComparison.OrdinalIgnoreCase));

    private bool IsHttp => From.Scheme == Uri.UriSchemeHttp || From.Scheme == Uri.UriSchemeHttps;

    /// <summary>Reads the sources below their section; what is wrong with them is added to the faults.</summary>
    public static IReadOnlyList<SourceSettings> Read(IConfiguration configuration, List<string> faults)
    {
        var sources = new List<SourceSettings>();
        foreach (IConfigurationSection each in configuration.GetSection(Section).GetChildren())
            if (Read(each, faults) is { } source)
                sources.Add(source);
        return sources;
    }

    private static SourceSettings? Read(IConfigurationSection section, List<string> faults)
    {
        int before = faults.Count;
        foreach (IConfigurationSection setting in section.GetChildren())
            if (!Array.Exists(Settings, known => known.Name.Equals(setting.Key, StringComparison.OrdinalIgnoreCase)))
                faults.Add($"{setting.Path} is unknown{(NearestName.Of(setting.Key, Settings.Select(known => known.Name)) is { } near ? $"; {near} is the nearest" : "")}: "
                    + $"a source has {string.Join(", ", Settings.Select(known => known.Name))}.");
        if (!Uri.TryCreate(section["From"], UriKind.Absolute, out Uri? from) || from.Scheme is not ("http" or "https" or "s3" or "hf") || from.Host.Length == 0)
            faults.Add($"{section.Path}:From must be https://..., s3://BUCKET/PREFIX or hf://ORG/NAME@REVISION; it is '{section["From"]}'.");
        else if (!IsSafe(from))
            faults.Add($"{section.Path}:From is {from}: over http anybody on the way may change a model; http is for this machine's own addresses alone. Use https.");
        string? server = section["Endpoint"];
        Uri? endpoint = null;
        if (server is not null && (!Uri.TryCreate(server, UriKind.Absolute, out endpoint) || endpoint.Scheme is not ("http" or "https")))
            faults.Add($"{section.Path}:Endpoint must be a server like https://minio.example:9000; it is '{server}'.");
        string model = section["Model"] ?? section.Key;
        if (from?.Scheme == HubSource.Scheme && !ModelName.IsAllowed(model))
            faults.Add($"{section.Path}:Model is '{model}': {ModelName.Rule}.");
        if (section["Sha256"] is { } sha256 && !(sha256.Length == 64 && sha256.All(char.IsAsciiHexDigit)))
            faults.Add($"{section.Path}:Sha256 must be 64 hexadecimal digits, as sha256sum prints them; it is '{sha256}'.");
        if (section["AccessKey"] is { } key && key != BucketSource.Unsigned && section["SecretKey"] is null)
            faults.Add($"{section.Path}:SecretKey is missing: it belongs to the AccessKey.");
        return faults.Count > before ? null : new(section.Key, from!, model, section["Token"], section["Sha256"]?.ToLowerInvariant(), endpoint, section["Region"] ?? "us-east-1",
            section["AccessKey"], section["SecretKey"]);
    }

    /// <summary>Whether nobody on the way can read or change what passes: https, or an address of this machine.</summary>
    public static bool IsSafe(Uri address) => address.Scheme != Uri.UriSchemeHttp || address.IsLoopback;
}
