using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Soak;

/// <summary>The service in a process of its own, with a bounded heap, and what it takes of the machine.</summary>
internal sealed class SoakedService : IDisposable
{
    public const string Key = "the-campaign's-own";

    private const string LargestHeap = "0x10000000"; // 256 MiB
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly Process process;

    private SoakedService(Process process, int port) => (this.process, Port) = (process, port);

    public int Port { get; }

    public bool HasExited => process.HasExited;

    public static async Task<SoakedService> StartAsync(string repository)
    {
        int port = FreePort();
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "FlowService"),
            [$"--urls=http://127.0.0.1:{port}", $"--Models:Repository={repository}", "--Models:PollSeconds=1", "--Grpc:Port=0", $"--Admin:Key={Key}", "--Batching:QueueRows=20000", "--Limits:RowsPerRequest=5000",
                "--Limits:SamplesPerRequest=5000", "--Limits:BodyBytes=4194304", "--Logging:LogLevel:Default=None"]);
        start.Environment["DOTNET_GCHeapHardLimit"] = LargestHeap;
        var service = new SoakedService(Process.Start(start)!, port);
        using HttpClient http = service.Http();
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < Patience && !service.HasExited; await Task.Delay(100))
            try
            {
                using HttpResponseMessage ready = await http.GetAsync("/health/ready");
                if (ready.IsSuccessStatusCode)
                    return service;
            }
            catch (HttpRequestException)
            {
                // Not yet.
            }
        service.Dispose();
        throw new InvalidOperationException("the service has not started");
    }

    public HttpClient Http() => new() { BaseAddress = new Uri($"http://127.0.0.1:{Port}"), Timeout = Patience };

    /// <summary>Adds what it takes now to the curves of memory, handles, threads and tensors.</summary>
    public async Task LookAsync(Curve memory, Curve handles, Curve threads, Curve tensors)
    {
        process.Refresh();
        memory.Add(process.WorkingSet64 / 1048576.0);
        handles.Add(Directory.GetFiles($"/proc/{process.Id}/fd").Length);
        threads.Add(process.Threads.Count);
        using HttpClient http = Http();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        using HttpResponseMessage answer = await http.SendAsync(request);
        string line = (await answer.Content.ReadAsStringAsync()).Split('\n').First(each => each.StartsWith("flowservice_tensors_live", StringComparison.Ordinal));
        tensors.Add(double.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture));
    }

    public void Dispose()
    {
        if (!process.HasExited)
            process.Kill(entireProcessTree: true);
        process.WaitForExit();
        process.Dispose();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
