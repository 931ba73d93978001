using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Soak;

/// <summary>Mixed load with reloads, hostile bodies, clients that vanish, a repository that comes and goes and a heap that is too small for waste; then the slopes of what the service takes.</summary>
internal static class Campaign
{
    private const int Clients = 8, HeldEachLook = 2;

    /// <summary>Runs a campaign; whether every answer was right and nothing leaks, or, where it leaks on purpose, whether that was found.</summary>
    /// <param name="length">How long.</param>
    /// <param name="seed">What chance begins with.</param>
    /// <param name="leaks">Whether connections are opened and never closed: the control that must be found.</param>
    /// <param name="output">Where the curves go.</param>
    public static async Task<bool> RunAsync(TimeSpan length, int seed, bool leaks, TextWriter output)
    {
        DirectoryInfo repository = Directory.CreateTempSubdirectory("flowsoak-");
        var held = new List<Socket>();
        try
        {
            string model = Path.Combine(repository.FullName, "two-moons");
            Copy(Path.Combine(AppContext.BaseDirectory, "models", "two-moons"), model);
            var traffic = new Traffic(Path.Combine(model, "1"));
            using SoakedService service = await SoakedService.StartAsync(repository.FullName);
            Curve memory = new("memory, MiB", 24), handles = new("handles", 24), threads = new("threads", 8), tensors = new("tensors", 4);
            var seen = new ConcurrentDictionary<string, int>();
            var faults = new ConcurrentQueue<string>();
            var clock = Stopwatch.StartNew();
            Task[] clients = [.. Enumerable.Range(0, Clients).Select(each => Task.Run(() => ClientAsync(service, traffic, new Random(seed * 1000 + each), clock, length, seen, faults)))];
            Task trouble = TroubleAsync(service, model, new Random(seed), clock, length, seen, faults);
            while (clock.Elapsed < length && faults.IsEmpty)
            {
                await Task.Delay(500);
                await service.LookAsync(memory, handles, threads, tensors);
                for (int i = 0; leaks && i < HeldEachLook; i++)
                    held.Add(Connected(service.Port));
            }
            await Task.WhenAll([.. clients, trouble]);

            output.WriteLine($"seed {seed}, {clock.Elapsed.TotalMinutes:F1} minutes: {string.Join(", ", seen.OrderBy(each => each.Key).Select(each => $"{each.Value} {each.Key}"))}");
            Curve[] curves = [memory, handles, threads, tensors];
            foreach (Curve curve in curves)
                output.WriteLine(curve);
            foreach (string fault in faults)
                output.WriteLine($"WRONG: {fault}");
            bool found = Array.Exists(curves, curve => curve.Leaks);
            output.WriteLine(leaks ? (found ? "the leak was found" : "the leak was NOT found") : found ? "something leaks" : "nothing leaks");
            return faults.IsEmpty && found == leaks;
        }
        finally
        {
            held.ForEach(socket => socket.Dispose());
            repository.Delete(recursive: true);
        }
    }

    private static async Task ClientAsync(
        SoakedService service, Traffic traffic, Random random, Stopwatch clock, TimeSpan length, ConcurrentDictionary<string, int> seen, ConcurrentQueue<string> faults)
    {
        using HttpClient http = service.Http();
        while (clock.Elapsed < length && faults.IsEmpty)
            try
            {
                seen.AddOrUpdate(await traffic.OneAsync(http, service.Port, random), 1, (_, count) => count + 1);
            }
            catch (Exception e)
            {
                faults.Enqueue($"{clock.Elapsed}: {e.GetBaseException().Message}{(service.HasExited ? " (the service has ended)" : "")}");
            }
    }

    // A reload, or a repository that is gone for a moment: what is loaded goes on serving, or comes back.
    private static async Task TroubleAsync(SoakedService service, string model, Random random, Stopwatch clock, TimeSpan length, ConcurrentDictionary<string, int> seen, ConcurrentQueue<string> faults)
    {
        using HttpClient http = service.Http();
        http.DefaultRequestHeaders.Authorization = new("Bearer", SoakedService.Key);
        while (clock.Elapsed < length && faults.IsEmpty)
        {
            await Task.Delay(random.Next(500, 3000));
            if (random.Next(3) == 0)
            {
                // Not the model: what cannot be read is another thing than what is not there.
                string weights = Path.Combine(model, "1", "weights.safetensors");
                File.Move(weights, weights + ".away");
                await Task.Delay(random.Next(100, 2500));
                File.Move(weights + ".away", weights);
                seen.AddOrUpdate("disks that lost a file", 1, (_, count) => count + 1);
                continue;
            }
            using HttpResponseMessage response = await http.PostAsync("/models/two-moons/load", null);
            if (response.StatusCode is HttpStatusCode.OK or HttpStatusCode.ServiceUnavailable)
                seen.AddOrUpdate("reloads", 1, (_, count) => count + 1);
            else
                faults.Enqueue($"{clock.Elapsed}: a reload was answered with {(int)response.StatusCode}");
        }
    }

    private static Socket Connected(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(IPAddress.Loopback, port);
        return socket;
    }

    private static void Copy(string from, string to)
    {
        foreach (string path in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(to, Path.GetRelativePath(from, path));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(path, target);
        }
    }
}
