using FlowService.Batching;
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
    private static readonly string[] Known =
    [
        nameof(BatchingOptions.BatchRows), nameof(BatchingOptions.QueueRows), nameof(BatchingOptions.DelayMicroseconds),
        nameof(BatchingOptions.DeadlineSeconds), nameof(BatchingOptions.MaxDeadlineSeconds),
        nameof(ServingOptions.Versions), nameof(ServingOptions.Instances), nameof(ServingOptions.Devices), nameof(ServingOptions.Deterministic), nameof(ServingOptions.Cache),
    ];

    public ValidateOptionsResult Validate(string? name, ModelsOptions options)
    {
        var faults = new List<string>();
        foreach (IConfigurationSection model in configuration.GetSection(ModelOverrides.Section).GetChildren())
        {
            faults.AddRange(model.GetChildren().Where(setting => !Known.Contains(setting.Key, StringComparer.OrdinalIgnoreCase))
                .Select(setting => $"{setting.Path} is unknown; a model's own settings are {string.Join(", ", Known)}."));
            faults.AddRange(Faults(() => batching.Get(model.Key)).Concat(Faults(() => serving.Get(model.Key))).Select(fault => $"{model.Path}: {fault}"));
        }
        return faults.Count > 0 ? ValidateOptionsResult.Fail(faults) : ValidateOptionsResult.Success;
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
        catch (InvalidOperationException e)
        {
            return [e.Message]; // a value of the wrong type
        }
    }
}
