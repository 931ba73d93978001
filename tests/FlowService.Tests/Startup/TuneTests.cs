using System.Text.Json;
using FlowCli;
using FlowService.Models;
using FlowService.Tests.Support;

namespace FlowService.Tests.Startup;

/// <summary>What <c>flow tune</c> proposes is what the service takes.</summary>
public sealed class TuneTests
{
    [Fact]
    public async Task The_service_starts_with_the_proposed_settings_and_obeys_them()
    {
        using TemporaryFolder repository = new();
        TestModels.Write(repository.Path, TestModels.Spec("my-pumps.v2", 2));
        string file = Path.Combine(repository.Path, "tuned.json");
        using StringWriter output = new(), errors = new();

        int code = FlowCommand.Run(["tune", "--model", Path.Combine(repository.Path, "my-pumps.v2"), "--seconds", "0.1", "--cores", "2", "--output", file], output, errors);
        Assert.True(code == 0, errors.ToString());
        JsonElement proposed = JsonDocument.Parse(await File.ReadAllTextAsync(file)).RootElement;
        (string, string)[] settings = [.. Flat(proposed, "")];
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, null, settings);
        ServedModel model = host.Registry.Served.Single();

        JsonElement own = proposed.GetProperty("Models").GetProperty("Overrides").GetProperty("my-pumps.v2");
        Assert.Equal((own.GetProperty("BatchRows").GetInt32(), own.GetProperty("Instances").GetInt32()), (model.Queue.Options.BatchRows, model.Engines.Length));
        Assert.Equal(3, settings.Length);
        Assert.All(settings, setting => Assert.Contains($"{setting.Item1.Replace(":", "__", StringComparison.Ordinal)}={setting.Item2}", output.ToString(), StringComparison.Ordinal));
    }

    private static IEnumerable<(string, string)> Flat(JsonElement settings, string prefix) => settings.EnumerateObject().SelectMany(each =>
        each.Value.ValueKind == JsonValueKind.Object ? Flat(each.Value, $"{prefix}{each.Name}:") : [($"{prefix}{each.Name}", each.Value.GetRawText())]);
}
