using System.Diagnostics;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using FlowService.Tests.Support;

namespace FlowService.Tests.Deploy;

/// <summary>What deploy/ watches the service with: a real Prometheus with its files, a service with the keys that its script makes.</summary>
public sealed partial class MonitoringTests
{
    private static readonly string Shipped = Path.Combine(AppContext.BaseDirectory, "deploy");

    [Fact]
    public async Task Every_query_of_the_dashboard_and_of_the_alerts_finds_its_series_in_a_real_scrape()
    {
        string program = PrometheusProcess.Find();
        using TemporaryFolder repository = TestModels.Repository(), secrets = new();
        await RunAsync("bash", Path.Combine(Shipped, "make-keys.sh"), secrets.Path, Path.Combine(AppContext.BaseDirectory, "FlowService"));
        await Assert.ThrowsAnyAsync<Exception>(() => RunAsync("bash", Path.Combine(Shipped, "make-keys.sh"), secrets.Path, Path.Combine(AppContext.BaseDirectory, "FlowService"))); // they are there
        string none = Path.Combine(secrets.Path, "none");
        await Assert.ThrowsAnyAsync<Exception>(() => RunAsync("bash", Path.Combine(Shipped, "make-keys.sh"), none, "false"));
        Assert.Empty(Directory.EnumerateFiles(none));
        int port = ServiceProcess.FreePort();
        await using ServiceProcess service = await ServiceProcess.StartAsync(repository.Path, port, $"--Security:KeysFile={Path.Combine(secrets.Path, "keys.json")}");
        using HttpClient client = Client(service, secrets, "client"), admin = Client(service, secrets, "admin"), nobody = service.Http();
        Directory.CreateDirectory(Path.Combine(repository.Path, "broken", "1"));
        await File.WriteAllTextAsync(Path.Combine(repository.Path, "broken", "1", "flow.json"), "{}");
        await admin.PostAsync("/models/broken/load", null);
        await using PrometheusProcess prometheus = await PrometheusProcess.StartAsync(program, port, Path.Combine(secrets.Path, "metrics_key"));

        // Counters without a label are there once something was counted.
        await client.AskAsync("/logprob", """{"model":"two-moons","x":[[0,1]]}""");
        await client.AskAsync("/score", """{"model":"two-moons","x":[[0,1],[0,null]]}""");
        await client.RefusedAsync("/sample", """{"model":"two-moons","count":1000000}""", HttpStatusCode.UnprocessableEntity);
        await nobody.RefusedAsync("/models/two-moons/load", "", HttpStatusCode.Unauthorized);

        string[] queries = [.. Queries()];
        Assert.InRange(queries.Length, 25, 100);
        foreach (string metric in queries.SelectMany(query => Metric().Matches(query).Select(match => match.Value)).Distinct().Where(metric => !Rare.Contains(metric)))
            await Eventually.TrueAsync(async () => await prometheus.CountAsync(metric) > 0, $"there is a series {metric}");
        foreach (string query in queries)
            Assert.InRange(await prometheus.CountAsync(query), 0, int.MaxValue); // and each is understood
        JsonElement[] rules = [.. (await prometheus.RulesAsync()).GetProperty("data").GetProperty("groups").EnumerateArray().SelectMany(group => group.GetProperty("rules").EnumerateArray())];
        Assert.Equal(11, rules.Length);
        Assert.All(rules, rule => Assert.NotEqual("err", rule.GetProperty("health").GetString()));
        await Eventually.TrueAsync(async () => await prometheus.CountAsync("""ALERTS{alertname="FlowServiceModelNotLoaded"}""") > 0 || await prometheus.CountAsync("""flowservice_model_loads_total{outcome="failed"}""") > 0, "the failed load is seen");
    }

    [Fact]
    public async Task The_alerts_and_the_configuration_pass_promtool()
    {
        string program = PrometheusProcess.Find("promtool");

        Assert.Contains("11 rules found", await RunAsync(program, "check", "rules", Path.Combine(Shipped, "prometheus", "alerts.yml")), StringComparison.Ordinal);
        Assert.Contains("SUCCESS", await RunAsync(program, "check", "config", "--syntax-only", Path.Combine(Shipped, "prometheus", "prometheus.yml")), StringComparison.Ordinal);
        await RunAsync(program, "test", "rules", Path.Combine(Shipped, "prometheus", "alerts.test.yml"));
    }

    /// <summary>What a healthy service never counts, or only once its memory was collected; other tests read these instruments.</summary>
    private static readonly string[] Rare = ["flowservice_batch_failures_total", "flowservice_rows_saved_total", "dotnet_gc_last_collection_memory_committed_size_bytes"];

    private static IEnumerable<string> Queries()
    {
        JsonElement dashboard = JsonDocument.Parse(File.ReadAllText(Path.Combine(Shipped, "grafana", "dashboards", "flowservice.json"))).RootElement;
        IEnumerable<string> shown = dashboard.GetProperty("panels").EnumerateArray().SelectMany(panel => panel.GetProperty("targets").EnumerateArray()).Select(target => target.GetProperty("expr").GetString()!);
        IEnumerable<string> alerts = Expression().Matches(File.ReadAllText(Path.Combine(Shipped, "prometheus", "alerts.yml"))).Select(match => match.Groups[1].Value.TrimStart('|'));
        return shown.Concat(alerts).Select(query => query.Replace("$__rate_interval", "1m", StringComparison.Ordinal).Replace("$model", ".*", StringComparison.Ordinal));
    }

    private static HttpClient Client(ServiceProcess service, TemporaryFolder secrets, string name)
    {
        HttpClient http = service.Http();
        http.DefaultRequestHeaders.Authorization = new("Bearer", File.ReadAllText(Path.Combine(secrets.Path, $"{name}_key")));
        return http;
    }

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        string said = await output + await errors;
        Assert.True(process.ExitCode == 0, said);
        return said;
    }

    [GeneratedRegex(@"\b(flowservice|http_server|kestrel|dotnet)_[a-z_]+")]
    private static partial Regex Metric();

    [GeneratedRegex(@"(?m)^ {8}expr: ((?:.|\n {10})*)")]
    private static partial Regex Expression();
}
