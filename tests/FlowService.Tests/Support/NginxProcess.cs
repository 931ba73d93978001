using System.Diagnostics;
using System.Net;

namespace FlowService.Tests.Support;

/// <summary>A real nginx with the configuration that is shipped, in front of replicas on ports of this machine.</summary>
internal sealed class NginxProcess : IAsyncDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly Process process;
    private readonly int port;

    private NginxProcess(string program, int port, int grpcPort, (int Http, int Grpc)[] replicas)
    {
        (this.port, GrpcAddress) = (port, new($"http://127.0.0.1:{grpcPort}"));
        string shipped = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "nginx.conf"));
        string configuration = shipped.Replace("listen 8080", $"listen 127.0.0.1:{port}", StringComparison.Ordinal).Replace("listen 8081", $"listen 127.0.0.1:{grpcPort}", StringComparison.Ordinal);
        for (int i = 0; i < replicas.Length; i++)
            configuration = configuration.Replace($"flowservice-{i + 1}:8080", $"127.0.0.1:{replicas[i].Http}", StringComparison.Ordinal)
                .Replace($"flowservice-{i + 1}:8081", $"127.0.0.1:{replicas[i].Grpc}", StringComparison.Ordinal);
        // Names of replicas that the test has not got, nginx would look for in vain.
        configuration = string.Join('\n', configuration.Split('\n').Where(line => !line.Contains("server flowservice-", StringComparison.Ordinal)));
        string path = Path.Combine(folder.Path, "nginx.conf");
        File.WriteAllText(path, configuration);
        process = Process.Start(new ProcessStartInfo(program)
        {
            ArgumentList = { "-p", folder.Path, "-c", path, "-e", "error.log", "-g", $"daemon off; pid {folder.Path}/nginx.pid;" },
        })!;
    }

    /// <summary>Where nginx is; without it the test is skipped.</summary>
    public static string Find() => Installed.Find("nginx", "a restart of one of two replicas behind it", "nginx-light", "/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx");

    public static async Task<NginxProcess> StartAsync(string program, params (int Http, int Grpc)[] replicas)
    {
        var nginx = new NginxProcess(program, ServiceProcess.FreePort(), ServiceProcess.FreePort(), replicas);
        using HttpClient http = nginx.Http();
        await Eventually.TrueAsync(async () =>
        {
            Assert.False(nginx.process.HasExited, "nginx has not started");
            return await ServiceProcess.ReadyAsync(http) == HttpStatusCode.OK;
        }, "nginx answers");
        return nginx;
    }

    /// <summary>Where it speaks gRPC.</summary>
    public Uri GrpcAddress { get; }

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
