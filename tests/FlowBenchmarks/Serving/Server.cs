using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace FlowBenchmarks.Serving;

/// <summary>A server in a process of its own, ready to be asked.</summary>
internal sealed class Server : IDisposable
{
    private readonly Process process;

    private Server(Process process, int port) => (this.process, Port) = (process, port);

    public int Port { get; }

    /// <summary>The seconds of processor time that its threads of a name have used so far. The system knows the first 15 characters of it.</summary>
    public double ThreadSeconds(string name)
    {
        double ticks = 0;
        foreach (string thread in Directory.GetDirectories($"/proc/{process.Id}/task"))
            try
            {
                string stat = File.ReadAllText(Path.Combine(thread, "stat"));
                int open = stat.IndexOf('('), close = stat.LastIndexOf(')');
                string[] fields = stat[(close + 2)..].Split(' '); // the third field of the line is the first of these
                if (stat[(open + 1)..close] == name[..Math.Min(15, name.Length)])
                    ticks += long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture);
            }
            catch (IOException)
            {
                // The thread has ended.
            }
        return ticks / 100; // on every system
    }

    /// <summary>The service, with the models of a repository.</summary>
    public static Server Start(string repository, params string[] settings)
    {
        int port = FreePort();
        return Start(port, "/health/ready", Program, Arguments(port, repository, settings));
    }

    /// <summary>The service on one core, which its clients leave to it.</summary>
    public static Server StartOn(int core, string repository, params string[] settings)
    {
        int port = FreePort();
        return Start(port, "/health/ready", "taskset", ["-c", $"{core}", Program, .. Arguments(port, repository, settings)]);
    }

    /// <summary>The same model behind FastAPI and PyTorch.</summary>
    public static Server StartPeer(string script)
    {
        int port = FreePort();
        return Start(port, "/raw?rows=1&repeat=1", "/usr/bin/python3", [script, "--port", $"{port}", "--threads", "1"]);
    }

    public string Get(string path)
    {
        using var http = new HttpClient();
        return http.GetStringAsync(new Uri($"http://127.0.0.1:{Port}{path}")).GetAwaiter().GetResult();
    }

    public void Dispose()
    {
        process.Kill(entireProcessTree: true);
        process.WaitForExit();
        process.Dispose();
    }

    private static string Program => Path.Combine(AppContext.BaseDirectory, "FlowService");

    private static string[] Arguments(int port, string repository, string[] settings) =>
        [$"--urls=http://127.0.0.1:{port}", $"--Models:Repository={repository}", "--Grpc:Port=0", .. settings];

    private static Server Start(int port, string ready, string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        Process process = Process.Start(start)!;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var server = new Server(process, port);
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < TimeSpan.FromMinutes(1) && !process.HasExited; Thread.Sleep(100))
            try
            {
                server.Get(ready);
                return server;
            }
            catch (HttpRequestException)
            {
                // Not yet.
            }
        server.Dispose();
        throw new InvalidOperationException($"{program} has not started");
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
