using System.Globalization;

namespace FlowService.Security;

/// <summary>A key of the section <c>Keys</c> or of the keys' file: whose it is, and what it opens.</summary>
internal sealed record ApiKey(KeyHash Hash, Caller Caller)
{
    /// <summary>The section with the keys, by the names of those who hold them.</summary>
    public const string Section = "Keys";

    /// <summary>What is said of a key; the first is needed.</summary>
    public static readonly (string Name, string Meaning)[] Settings =
    [
        ("Hash", "The key's hash, sha256:SALT:HASH, as 'FlowService key' prints it."),
        ("Scopes", "What it opens: infer, metrics, admin, with commas between them (default infer)."),
        ("Models", "The models that it opens, with commas between them (default all)."),
        ("RowsPerMinute", "The most rows that it may send or draw in a minute; 0 for no limit (default 0)."),
    ];

    /// <summary>Reads the keys below a section, or a file; what is wrong with them is added to the faults.</summary>
    public static List<ApiKey> Read(IConfiguration section, string where, List<string> faults)
    {
        var keys = new List<ApiKey>();
        foreach (IConfigurationSection each in section.GetChildren())
            if (Read(each, $"{where}:{each.Key}", faults) is { } key)
                keys.Add(key);
        return keys;
    }

    private static ApiKey? Read(IConfigurationSection key, string where, List<string> faults)
    {
        int before = faults.Count;
        foreach (IConfigurationSection setting in key.GetChildren())
            if (!Array.Exists(Settings, known => known.Name.Equals(setting.Key, StringComparison.OrdinalIgnoreCase)))
                faults.Add($"{where}:{setting.Key} is unknown: a key has {string.Join(", ", Settings.Select(known => known.Name))}.");
        KeyHash? hash = KeyHash.TryParse(key["Hash"]);
        if (hash is null)
            faults.Add($"{where}:Hash must be sha256:SALT:HASH, as 'FlowService key' prints it.");
        if (!ScopeWords.TryParse(Listed(key, "Scopes") ?? Scopes.Infer.Word(), out Scopes scopes, out string? unknown))
            faults.Add($"{where}:Scopes must list some of {ScopeWords.Known}; '{unknown}' is none of them.");
        else if (scopes == Scopes.None)
            faults.Add($"{where}:Scopes must list some of {ScopeWords.Known}, for the key opens nothing; leave it out for infer.");
        string quota = key["RowsPerMinute"] ?? "0";
        if (!int.TryParse(quota, NumberStyles.None, CultureInfo.InvariantCulture, out int rows))
            faults.Add($"{where}:RowsPerMinute must be a whole number, 0 for no limit; it is '{quota}'.");
        string[]? models = Listed(key, "Models")?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (models is [])
            faults.Add($"{where}:Models must list models, for the key opens none; leave it out for all.");
        return faults.Count > before ? null : new(hash!, new(key.Key, scopes, models, rows));
    }

    // JSON has lists of its own: one that was not read would open more than it says.
    private static string? Listed(IConfigurationSection key, string name)
    {
        IConfigurationSection setting = key.GetSection(name);
        return setting.GetChildren().Any() ? string.Join(',', setting.GetChildren().Select(each => each.Value)) : setting.Value;
    }
}
