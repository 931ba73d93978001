using FlowService.Batching;
using FlowService.Startup;
using Microsoft.Extensions.Options;

namespace FlowService.Models;

/// <summary>
/// The settings of one model: <c>Models:Overrides:NAME</c> over the service's own. They are named options, the model's name being
/// theirs.
/// </summary>
internal sealed class ModelOverrides(IConfiguration configuration) : IConfigureNamedOptions<BatchingOptions>, IConfigureNamedOptions<ServingOptions>
{
    public const string Section = "Models:Overrides";

    public void Configure(string? name, BatchingOptions options)
    {
        configuration.GetSection(BatchingOptions.Section).Bind(options);
        if (!string.IsNullOrEmpty(name))
            configuration.GetSection($"{Section}:{name}").Bind(options);
    }

    public void Configure(string? name, ServingOptions options)
    {
        configuration.GetSection(ModelsOptions.Section).Bind(options);
        if (!string.IsNullOrEmpty(name))
            configuration.GetSection($"{Section}:{name}").Bind(options);
    }

    public void Configure(BatchingOptions options) => Configure(null, options);

    public void Configure(ServingOptions options) => Configure(null, options);
}

/// <summary>Refuses at start what <c>Models:Overrides</c> says wrongly, or what it says of a setting that does not exist.</summary>
internal sealed class ModelOverridesAreValid(
    IConfiguration configuration, IOptionsMonitor<BatchingOptions> batching, IOptionsMonitor<ServingOptions> serving) : IValidateOptions<ModelsOptions>
{
    private static readonly Dictionary<string, Type> Known = typeof(BatchingOptions).GetProperties().Concat(typeof(ServingOptions).GetProperties())
        .Where(property => property.CanWrite).ToDictionary(property => property.Name, property => property.PropertyType, StringComparer.OrdinalIgnoreCase);

    public ValidateOptionsResult Validate(string? name, ModelsOptions options)
    {
        var faults = new List<string>();
        foreach (IConfigurationSection model in configuration.GetSection(ModelOverrides.Section).GetChildren())
        {
            string[] ofModel = model.Value is { Length: > 0 } value
                ? [$"{model.Path} is '{value}'; it is a section, with settings like {model.Path}:{nameof(BatchingOptions.BatchRows)}."]
                : [.. model.GetChildren().Select(Fault).OfType<string>()];
            faults.AddRange(ofModel);
            if (ofModel.Length == 0) // else they cannot be bound
                faults.AddRange(Faults(() => batching.Get(model.Key)).Concat(Faults(() => serving.Get(model.Key))).Select(fault => $"{model.Path}: {fault}"));
        }
        return faults.Count > 0 ? ValidateOptionsResult.Fail(faults) : ValidateOptionsResult.Success;
    }

    private static string? Fault(IConfigurationSection setting)
    {
        if (Known.TryGetValue(setting.Key, out Type? type))
            return setting.GetChildren().Any() ? $"{setting.Path} is a list; it is one text, with commas between its parts." : SettingValue.Fault(setting.Path, type, setting.Value ?? "");
        string nearest = NearestName.Of(setting.Key, Known.Keys) is { } name ? $"; {name} is the nearest" : "";
        return $"{setting.Path} is unknown{nearest}; a model's own settings are {string.Join(", ", Known.Keys)}.";
    }

    private static IEnumerable<string> Faults(Func<object> read)
    {
        try
        {
            read();
            return [];
        }
        catch (OptionsValidationException e)
        {
            return e.Failures;
        }
    }
}
