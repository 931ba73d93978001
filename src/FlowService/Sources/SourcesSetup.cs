using FlowService.Models;
using Microsoft.Extensions.Options;

namespace FlowService.Sources;

internal static class SourcesSetup
{
    public static IServiceCollection AddSources(this IServiceCollection services) => services
        .AddSingleton<IValidateOptions<ModelsOptions>, SourcesAreValid>()
        .AddSingleton<RemoteFiles>()
        .AddSingleton<SourcePuller>()
        .AddSingleton<SourceWatcher>()
        .AddHostedService(provider => provider.GetRequiredService<SourceWatcher>());
}

/// <summary>Refuses at start what <c>Models:Sources</c> says wrongly.</summary>
internal sealed class SourcesAreValid(IConfiguration configuration) : IValidateOptions<ModelsOptions>
{
    public ValidateOptionsResult Validate(string? name, ModelsOptions options)
    {
        var faults = new List<string>();
        SourceSettings.Read(configuration, faults);
        return faults.Count > 0 ? ValidateOptionsResult.Fail(faults) : ValidateOptionsResult.Success;
    }
}
