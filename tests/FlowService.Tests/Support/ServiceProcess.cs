using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace FlowService.Tests.Support;

/// <summary>The service as an operator runs it: a process of its own, on a port, told by signals.</summary>
internal sealed class ServiceProcess : IAsyncDisposable
{
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "FlowService");

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly Process process;
    private readonly ConcurrentQueue<string> log = new();

    private ServiceProcess(Process process, int port)
    {
        (this.process, Port) = (process, port);
        process.OutputDataReceived += (_, line) => log.Enqueue(line.Data ?? "");
        process.ErrorDataReceived += (_, line) => log.Enqueue(line.Data ?? "");
    }

    public int Port { get; }

    /// <summary>What it has printed.</summary>
    public IReadOnlyCollection<string> Log => log;

    /// <summary>The same, as one that file permissions hold for: root is let through any of them.</summary>
    public static Task<ServiceProcess> StartUnprivilegedAsync(string repository, int port, params string[] settings) => StartAsync(
        Environment.IsPrivilegedProcess ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--", Program] : [Program], repository, port, [], settings);

    /// <summary>Starts, and waits until it is ready.</summary>
    public static Task<ServiceProcess> StartAsync(string repository, int port, params string[] settings) => StartAsync(repository, port, [], settings);

    /// <summary>
    /// The same, by the program of another folder, for somebody who has nothing else: TorchSharp looks among one's packages, too.
    /// </summary>
    public static Task<ServiceProcess> StartFromAsync(string folder, string repository, int port, params string[] settings) =>
        StartAsync([Path.Combine(folder, "FlowService")], repository, port, [("HOME", folder)], settings);

    /// <summary>The same, of a service that ends by itself: its exit code, and the lines of both outputs.</summary>
    public static Task<(int ExitCode, string[] Output, string[] Errors)> RunFromAsync(string folder, params string[] arguments) =>
        RunAsync(Path.Combine(folder, "FlowService"), arguments, [("HOME", folder)]);

    /// <summary>The same, under more environment variables.</summary>
    public static Task<ServiceProcess> StartAsync(
        string repository, int port, (string Name, string Value)[] environment, params string[] settings) =>
        StartAsync([Program], repository, port, environment, settings);

    /// <summary>Runs with these arguments alone until it ends by itself: its exit code, and the lines of both outputs.</summary>
    public static Task<(int ExitCode, string[] Output, string[] Errors)> RunAsync(string[] arguments, params (string Name, string Value)[] environment) =>
        RunAsync(Program, arguments, environment);

    private static async Task<(int ExitCode, string[] Output, string[] Errors)> RunAsync(
        string program, string[] arguments, (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        using var patience = new CancellationTokenSource(Patience);
        Task<string> output = process.StandardOutput.ReadToEndAsync(patience.Token), errors = process.StandardError.ReadToEndAsync(patience.Token);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill();
        }
        return (process.ExitCode, Lines(await output), Lines(await errors));
    }

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static async Task<ServiceProcess> StartAsync(
        string[] command, string repository, int port, (string Name, string Value)[] environment, string[] settings)
    {
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            ArgumentList = { $"--urls=http://127.0.0.1:{port}", $"--Models:Repository={repository}", "--Batching:BatchRows=64", "--Grpc:Port=0" },
        };
        foreach (string setting in settings)
            start.ArgumentList.Add(setting);
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        Process process = Process.Start(start)!;
        var service = new ServiceProcess(process, port);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        using HttpClient http = service.Http();
        await Eventually.TrueAsync(async () =>
        {
            Assert.False(process.HasExited, $"the service has not started: {string.Join('\n', service.Log)}");
            return await ReadyAsync(http) == HttpStatusCode.OK;
        }, "the service is ready");
        return service;
    }

    public HttpClient Http() => new() { BaseAddress = new Uri($"http://127.0.0.1:{Port}") };

    /// <summary>The memory that it occupies, in bytes.</summary>
    public long WorkingSet
    {
        get
        {
            process.Refresh();
            return process.WorkingSet64;
        }
    }

    /// <summary>The files and sockets that it has open.</summary>
    public int Handles => Directory.GetFiles($"/proc/{process.Id}/fd").Length;

    public int Threads
    {
        get
        {
            process.Refresh();
            return process.Threads.Count;
        }
    }

    /// <summary>The files that the process has mapped into its memory: its libraries among them.</summary>
    public string[] MappedFiles() =>
        [.. File.ReadLines($"/proc/{process.Id}/maps").Select(line => Path.GetFileName(line[(line.LastIndexOf(' ') + 1)..])).Where(name => name.Length > 0).Distinct()];

    /// <summary>The status of /health/ready, or null where nobody answers.</summary>
    public static async Task<HttpStatusCode?> ReadyAsync(HttpClient http)
    {
        try
        {
            using HttpResponseMessage response = await http.GetAsync("/health/ready");
            return response.StatusCode;
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    public async Task SignalAsync(string name)
    {
        using Process kill = Process.Start("kill", [$"-{name}", $"{process.Id}"]);
        await kill.WaitForExitAsync();
        Assert.Equal(0, kill.ExitCode);
    }

    /// <summary>The exit code, once it has ended.</summary>
    public async Task<int> ExitAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        await process.WaitForExitAsync(patience.Token);
        return process.ExitCode;
    }

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
            process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }
}
