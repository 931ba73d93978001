using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using FlowService.OpenInference.Grpc.Protocol;
using Grpc.Net.Client;

namespace Soak;

/// <summary>
/// The service in a process of its own, with a bounded heap, a small disk for its temporary files where the machine lets one mount it, and a clock
/// that can jump where libfaketime is installed; and what it takes of the machine.
/// </summary>
internal sealed class SoakedService : IDisposable
{
    public const string Key = "the-campaign's-own", Model = "two-moons";

    private const string LargestHeap = "0x10000000"; // 256 MiB
    private const string Disk = "8m";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly DirectoryInfo own = Directory.CreateTempSubdirectory("flowsoak-own-");
    private readonly Process process;
    private readonly GrpcChannel channel;
    private bool wasFailure; // the line before: what happened stands in the next one

    private SoakedService(string repository, string engine)
    {
        (Port, int grpc) = (FreePort(), FreePort());
        string temporary = own.CreateSubdirectory("tmp").FullName;
        HasSmallDisk = MayMount();
        string[] command =
        [
            Path.Combine(AppContext.BaseDirectory, "FlowService"), $"--urls=http://127.0.0.1:{Port}", $"--Models:Repository={repository}", "--Models:PollSeconds=1",
            $"--Grpc:Port={grpc}", $"--Engine:Kind={engine}", $"--Admin:Key={Key}", "--Batching:QueueRows=20000", "--Limits:RowsPerRequest=5000",
            "--Limits:SamplesPerRequest=5000", "--Limits:BodyBytes=4194304", "--Logging:LogLevel:Default=None",
        ];
        // exec: the process that is looked at is the service's own.
        string[] mounted = ["unshare", "--map-root-user", "--mount", "sh", "-c", $"mount -t tmpfs -o size={Disk} tmpfs '{temporary}' && exec \"$@\"", "sh"];
        if (HasSmallDisk)
            command = [.. mounted, .. command];
        var start = new ProcessStartInfo(command[0], command[1..]);
        start.Environment["DOTNET_GCHeapHardLimit"] = LargestHeap;
        start.Environment["TMPDIR"] = temporary;
        Clock = FakeClock.Of(own, start.Environment);
        start.RedirectStandardOutput = true;
        process = Process.Start(start)!;
        process.OutputDataReceived += (_, line) => Hear(line.Data ?? "");
        process.BeginOutputReadLine();
        channel = GrpcChannel.ForAddress($"http://127.0.0.1:{grpc}");
        Grpc = new(channel);
    }

    public int Port { get; }

    public GRPCInferenceService.GRPCInferenceServiceClient Grpc { get; }

    /// <summary>Its clock, where it can be made to jump.</summary>
    public FakeClock? Clock { get; }

    /// <summary>Whether its temporary files lie on a disk of its own that can be filled.</summary>
    public bool HasSmallDisk { get; }

    public bool HasExited => process.HasExited;

    /// <summary>What it has logged as a failure: whatever clients do is none.</summary>
    public ConcurrentQueue<string> Failures { get; } = new();

    /// <summary>Its temporary folder as it sees it.</summary>
    public string Temporary => $"/proc/{process.Id}/root{Path.Combine(own.FullName, "tmp")}";

    public static async Task<SoakedService> StartAsync(string repository, string engine)
    {
        var service = new SoakedService(repository, engine);
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
        channel.Dispose();
        if (!process.HasExited)
            process.Kill(entireProcessTree: true);
        process.WaitForExit();
        process.Dispose();
        own.Delete(recursive: true);
    }

    private void Hear(string line)
    {
        bool isFailure = line.StartsWith("fail:", StringComparison.Ordinal) || line.StartsWith("crit:", StringComparison.Ordinal);
        if (isFailure || wasFailure)
            Failures.Enqueue(line.Trim());
        wasFailure = isFailure;
    }

    private static bool MayMount()
    {
        try
        {
            using Process trial = Process.Start(new ProcessStartInfo("unshare", ["--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]) { RedirectStandardError = true })!;
            trial.WaitForExit();
            return trial.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false; // no unshare
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
