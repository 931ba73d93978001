using FlowService.Batching;
using FlowService.Limits;
using FlowService.Models;
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
    [InlineData("Torch:Device", "gpu", "Torch:Device must be auto, cpu, cuda or cuda:n")]
    [InlineData("Torch:Threads", "-1", "Torch:Threads must lie in 0..1024")]
    public void A_wrong_setting_is_refused_with_the_remedy(string key, string value, string words)
    {
        var refused = Assert.Throws<OptionsValidationException>(() => ValidateAtStart((key, value)));

        Assert.Contains(words, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void All_faults_of_a_section_are_named_at_once()
    {
        var refused = Assert.Throws<OptionsValidationException>(() => ValidateAtStart(("Limits:BodyBytes", "1"), ("Limits:RowsPerRequest", "0")));

        Assert.Equal(2, refused.Failures.Count());
    }

    [Fact]
    public void Without_any_setting_the_defaults_are_right() => ValidateAtStart();

    private static void ValidateAtStart(params (string Key, string Value)[] settings)
    {
        IConfiguration configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create<string, string?>(setting.Key, setting.Value)))
            .Build();
        using ServiceProvider services = new ServiceCollection().AddSingleton(configuration).AddLimits().AddBatching().AddModels().BuildServiceProvider();
        services.GetRequiredService<IStartupValidator>().Validate();
    }
}
