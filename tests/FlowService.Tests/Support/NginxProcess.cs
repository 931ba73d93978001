using System.Diagnostics;
using System.Net;

namespace FlowService.Tests.Support;

/// <summary>A real nginx with the configuration that is shipped, in front of replicas on ports of this machine.</summary>
internal sealed class NginxProcess : IAsyncDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly Process process;
    private readonly int port;

    private NginxProcess(string program, int port, int[] replicas)
    {
        this.port = port;
        string shipped = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "nginx.conf"));
        string configuration = shipped.Replace("listen 8080", $"listen 127.0.0.1:{port}", StringComparison.Ordinal);
        for (int i = 0; i < replicas.Length; i++)
            configuration = configuration.Replace($"flowservice-{i + 1}:8080", $"127.0.0.1:{replicas[i]}", StringComparison.Ordinal);
        string path = Path.Combine(folder.Path, "nginx.conf");
        File.WriteAllText(path, configuration);
        process = Process.Start(new ProcessStartInfo(program)
        {
            ArgumentList = { "-p", folder.Path, "-c", path, "-e", "error.log", "-g", $"daemon off; pid {folder.Path}/nginx.pid;" },
        })!;
    }

    /// <summary>Where nginx is; without it the test is skipped.</summary>
    public static string Find() => Installed.Find("nginx", "a restart of one of two replicas behind it", "nginx-light", "/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx");

    public static async Task<NginxProcess> StartAsync(string program, int port, params int[] replicas)
    {
        var nginx = new NginxProcess(program, port, replicas);
        using HttpClient http = nginx.Http();
        await Eventually.TrueAsync(async () =>
        {
            Assert.False(nginx.process.HasExited, "nginx has not started");
            return await ServiceProcess.ReadyAsync(http) == HttpStatusCode.OK;
        }, "nginx answers");
        return nginx;
    }

    public HttpClient Http() => new() { BaseAddress = new Uri($"http://127.0.0.1:{port}") };

    public async ValueTask DisposeAsync()
    {
        using (Process quit = Process.Start("kill", ["-TERM", $"{process.Id}"]))
            await quit.WaitForExitAsync();
        await process.WaitForExitAsync();
        process.Dispose();
        folder.Dispose();
    }
}
