using FlowService.Batching;
using FlowService.Limits;
using FlowService.Models;
using FlowService.Shutdown;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace FlowService.Tests.Models;

/// <summary>A wrong setting stops the start, and the message names the setting and the remedy.</summary>
public sealed class OptionsTests
{
    [Theory]
    [InlineData("Batching:BatchRows", "0", "Batching:BatchRows must lie in 1..1048576")]
    [InlineData("Batching:QueueRows", "-1", "Batching:QueueRows must be 1 or more")]
    [InlineData("Batching:QueueRows", "99999", "raise Batching:QueueRows, or lower Limits:RowsPerRequest")]
    [InlineData("Batching:DeadlineSeconds", "0", "Batching:DeadlineSeconds must lie in")]
    [InlineData("Batching:DeadlineSeconds", "400", "more than Batching:MaxDeadlineSeconds (300)")]
    [InlineData("Batching:MaxDeadlineSeconds", "1e9", "Batching:MaxDeadlineSeconds must lie in")]
    [InlineData("Limits:BodyBytes", "10", "Limits:BodyBytes must be 1024 or more")]
    [InlineData("Limits:RowsPerRequest", "0", "Limits:RowsPerRequest must be 1 or more")]
    [InlineData("Limits:SamplesPerRequest", "0", "Limits:SamplesPerRequest must be 1 or more")]
    [InlineData("Limits:ValuesPerRequest", "0", "Limits:ValuesPerRequest must lie in 1..536870912")]
    [InlineData("Models:Repository", "", "Models:Repository must name a folder")]
    [InlineData("Models:SelfTestTolerance", "-1", "Models:SelfTestTolerance must be 0 or more")]
    [InlineData("Batching:DelayMicroseconds", "-1", "Batching:DelayMicroseconds must lie in 0..10000000")]
    [InlineData("Models:PollSeconds", "-1", "Models:PollSeconds must lie in 0..86400")]
    [InlineData("Models:MemoryBytes", "-1", "Models:MemoryBytes must be 0 or more")]
    [InlineData("Models:Versions", "", "Models:Versions is empty: say all, latest, or version numbers like 1,3")]
    [InlineData("Models:Versions", "newest", "Models:Versions must be all, latest, or version numbers like 1,3")]
    [InlineData("Models:Instances", "0", "Models:Instances must lie in 1..256")]
    [InlineData("Models:Devices", "gpu", "Models:Devices must list auto, cpu, cuda or cuda:n")]
    [InlineData("Models:Overrides:moons:BatchRows", "0", "Models:Overrides:moons: BatchRows: Batching:BatchRows must lie in 1..1048576")]
    [InlineData("Models:Overrides:moons:QueueRows", "10", "Models:Overrides:moons: Batching:QueueRows is 10, but one request may have 100000 rows")]
    [InlineData("Models:Overrides:moons:Instances", "0", "Models:Overrides:moons: Instances: Models:Instances must lie in 1..256")]
    [InlineData("Models:Overrides:moons:BatchRow", "10", "Models:Overrides:moons:BatchRow is unknown; BatchRows is the nearest; a model's own settings are BatchRows, QueueRows")]
    [InlineData("Models:Overrides:moons:BatchRows", "many", "Models:Overrides:moons:BatchRows")]
    [InlineData("Shutdown:PauseSeconds", "-1", "Shutdown:PauseSeconds must lie in 0..3600")]
    [InlineData("Shutdown:TimeoutSeconds", "0", "Shutdown:TimeoutSeconds must lie in 1..3600")]
    [InlineData("Torch:Device", "gpu", "Torch:Device must be auto, cpu, cuda or cuda:n")]
    [InlineData("Torch:Threads", "-1", "Torch:Threads must lie in 0..1024")]
    public void A_wrong_setting_is_refused_with_the_remedy(string key, string value, string words)
    {
        var refused = Assert.Throws<OptionsValidationException>(() => ValidateAtStart((key, value)));

        Assert.Contains(words, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("latest")]
    [InlineData("2")]
    [InlineData("1,3")]
    public void Versions_among_which_none_can_be_compared_are_refused(string versions)
    {
        var refused = Assert.Throws<OptionsValidationException>(() => ValidateAtStart(("Models:Versions", versions), ("Models:Overrides:moons:Shadow", "2")));

        Assert.Contains($"Models:Overrides:moons: Models:Versions is {versions}, and Shadow compares version 2", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void All_faults_of_a_section_are_named_at_once()
    {
        var refused = Assert.Throws<OptionsValidationException>(() => ValidateAtStart(("Limits:BodyBytes", "1"), ("Limits:RowsPerRequest", "0")));

        Assert.Equal(2, refused.Failures.Count());
    }

    [Fact]
    public void A_models_own_settings_stand_over_the_services()
    {
        using ServiceProvider services = Services(
            ("Batching:BatchRows", "100"), ("Batching:DelayMicroseconds", "7"), ("Models:Versions", "latest"),
            ("Models:Overrides:moons:BatchRows", "10"), ("Models:Overrides:moons:Deterministic", "true"));
        var batching = services.GetRequiredService<IOptionsMonitor<BatchingOptions>>();
        var serving = services.GetRequiredService<IOptionsMonitor<ServingOptions>>();

        Assert.Equal((10, 7), (batching.Get("moons").BatchRows, batching.Get("moons").DelayMicroseconds));
        Assert.Equal(100, batching.Get("other").BatchRows);
        Assert.True(serving.Get("moons") is { Deterministic: true, IsLatest: true });
        Assert.True(serving.Get("other") is { Deterministic: false, IsLatest: true });
    }

    [Fact]
    public void Without_any_setting_the_defaults_are_right() => ValidateAtStart();

    private static void ValidateAtStart(params (string Key, string Value)[] settings)
    {
        using ServiceProvider services = Services(settings);
        services.GetRequiredService<IStartupValidator>().Validate();
    }

    private static ServiceProvider Services(params (string Key, string Value)[] settings)
    {
        IConfiguration configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create<string, string?>(setting.Key, setting.Value)))
            .Build();
        return new ServiceCollection().AddSingleton(configuration).AddLimits().AddBatching().AddModels().AddShutdown().BuildServiceProvider();
    }
}
