using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;

namespace FlowService.Tests.Support;

/// <summary>A real Prometheus with the configuration that is shipped, which scrapes a service on a port of this machine.</summary>
internal sealed class PrometheusProcess : IAsyncDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly Process process;
    private readonly HttpClient http;

    private PrometheusProcess(string program, int port, int service, string keyFile)
    {
        string shipped = Path.Combine(AppContext.BaseDirectory, "deploy", "prometheus");
        File.Copy(Path.Combine(shipped, "alerts.yml"), Path.Combine(folder.Path, "alerts.yml"));
        string configuration = File.ReadAllText(Path.Combine(shipped, "prometheus.yml"))
            .Replace("flowservice:8080", $"127.0.0.1:{service}", StringComparison.Ordinal).Replace("/run/secrets/metrics_key", keyFile, StringComparison.Ordinal)
            .Replace("scrape_interval: 5s", "scrape_interval: 200ms\n  scrape_timeout: 200ms\n  evaluation_interval: 200ms", StringComparison.Ordinal);
        string file = Path.Combine(folder.Path, "prometheus.yml");
        File.WriteAllText(file, configuration);
        process = Process.Start(new ProcessStartInfo(program,
            [$"--config.file={file}", $"--storage.tsdb.path={Path.Combine(folder.Path, "data")}", $"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]))!;
        http = new() { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
    }

    /// <summary>Where Prometheus is; without it the test is skipped.</summary>
    public static string Find(string program = "prometheus") => Installed.Find(program, "the dashboard and the alerts against a real scrape", "prometheus", $"/usr/bin/{program}", $"/usr/local/bin/{program}");

    public static async Task<PrometheusProcess> StartAsync(string program, int service, string keyFile)
    {
        var prometheus = new PrometheusProcess(program, ServiceProcess.FreePort(), service, keyFile);
        await Eventually.TrueAsync(async () =>
        {
            Assert.False(prometheus.process.HasExited, "Prometheus has not started");
            return await prometheus.CountAsync("up == 1") == 1;
        }, "the service is scraped");
        return prometheus;
    }

    /// <summary>The number of series that a query gives.</summary>
    public async Task<int> CountAsync(string query)
    {
        try
        {
            JsonElement answer = await http.GetFromJsonAsync<JsonElement>($"/api/v1/query?query={Uri.EscapeDataString(query)}");
            return answer.GetProperty("data").GetProperty("result").GetArrayLength();
        }
        catch (HttpRequestException e) when (e.StatusCode is null or System.Net.HttpStatusCode.ServiceUnavailable)
        {
            return 0; // it does not listen yet
        }
    }

    /// <summary>The rules that it has loaded, as it describes them.</summary>
    public Task<JsonElement> RulesAsync() => http.GetFromJsonAsync<JsonElement>("/api/v1/rules")!;

    public async ValueTask DisposeAsync()
    {
        http.Dispose();
        if (!process.HasExited)
            process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        folder.Dispose();
    }
}
