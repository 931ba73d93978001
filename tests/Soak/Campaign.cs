using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Soak;

/// <summary>
/// Mixed load with reloads, hostile bodies, clients that vanish, files that come and go, a full disk, clocks that jump and a heap that is too small
/// for waste; then the slopes of what the service takes.
/// </summary>
internal sealed class Campaign : IDisposable
{
    private const int Clients = 8, HeldEachLook = 2;

    private readonly CampaignPlan plan;
    private readonly DirectoryInfo repository = Directory.CreateTempSubdirectory("flowsoak-");
    private readonly string model;
    private readonly RightRows rows;
    private readonly ConcurrentDictionary<string, int> seen = new();
    private readonly ConcurrentQueue<string> faults = new();
    private readonly List<Socket> held = [];
    private readonly Stopwatch clock = new();

    private Campaign(CampaignPlan plan)
    {
        this.plan = plan;
        model = Path.Combine(repository.FullName, SoakedService.Model);
        Copy(Path.Combine(AppContext.BaseDirectory, "models", SoakedService.Model), model);
        rows = new RightRows(Path.Combine(model, "1"), plan.Engine == "compiled" ? 0 : 1e-4f);
    }

    private bool IsUnderWay => clock.Elapsed < plan.Length && faults.IsEmpty;

    /// <summary>Runs a campaign; whether every answer was right and nothing leaks, or, where it leaks on purpose, whether that was found.</summary>
    public static async Task<bool> RunAsync(CampaignPlan plan, TextWriter output)
    {
        using var campaign = new Campaign(plan);
        return await campaign.RunAsync(output);
    }

    public void Dispose()
    {
        held.ForEach(socket => socket.Dispose());
        repository.Delete(recursive: true);
    }

    private async Task<bool> RunAsync(TextWriter output)
    {
        using SoakedService service = await SoakedService.StartAsync(repository.FullName, plan.Engine);
        Curve[] curves = [new("memory, MiB", 64), new("handles", 24), new("threads", 8), new("tensors", 4)];
        clock.Start();
        Task[] clients = [.. Enumerable.Range(0, Clients).Select(each => Task.Run(() => ClientAsync(service, new Random(plan.Seed * 1000 + each))))];
        Task trouble = TroubleAsync(service, new Random(plan.Seed));
        while (IsUnderWay)
        {
            await Task.Delay(500);
            await service.LookAsync(curves[0], curves[1], curves[2], curves[3]);
            for (int i = 0; plan.Leaks && i < HeldEachLook; i++)
                held.Add(Connected(service.Port));
        }
        await Task.WhenAll([.. clients, trouble]);
        foreach (string failure in service.Failures)
            faults.Enqueue($"logged: {failure}");

        output.WriteLine($"{plan.Engine} engine, seed {plan.Seed}, {clock.Elapsed.TotalMinutes:F1} minutes: {string.Join(", ", seen.OrderBy(each => each.Key).Select(each => $"{each.Value} {each.Key}"))}");
        foreach (Curve curve in curves)
            output.WriteLine(curve);
        if (!service.HasSmallDisk)
            output.WriteLine("left out: full disks, since no file system can be mounted here");
        if (service.Clock is null)
            output.WriteLine("left out: clocks that jump, since libfaketime is not installed");
        foreach (string fault in faults)
            output.WriteLine($"WRONG: {fault}");
        bool found = Array.Exists(curves, curve => curve.Leaks);
        output.WriteLine(plan.Leaks ? (found ? "the leak was found" : "the leak was NOT found") : found ? "something leaks" : "nothing leaks");
        return faults.IsEmpty && found == plan.Leaks;
    }

    private async Task ClientAsync(SoakedService service, Random random)
    {
        using HttpClient http = service.Http();
        var traffic = new Traffic(rows, service);
        while (IsUnderWay)
        {
            await SeeAsync(service, () => traffic.OneAsync(http, random));
            if (plan.Pause > TimeSpan.Zero)
                await Task.Delay(random.NextDouble() * plan.Pause);
        }
    }

    private async Task TroubleAsync(SoakedService service, Random random)
    {
        using HttpClient http = service.Http();
        http.DefaultRequestHeaders.Authorization = new("Bearer", SoakedService.Key);
        // To build an engine adds to TorchSharp's counter what is no tensor, for ever: there, tensors are counted over one load of the model.
        var trouble = new Trouble(service, model, reloads: plan.Engine == "compiled", random);
        while (IsUnderWay)
        {
            await Task.Delay(random.Next(500, 3000));
            await SeeAsync(service, () => trouble.OneAsync(http));
        }
    }

    private async Task SeeAsync(SoakedService service, Func<Task<string>> happening)
    {
        try
        {
            seen.AddOrUpdate(await happening(), 1, (_, count) => count + 1);
        }
        catch (Exception e)
        {
            faults.Enqueue($"{clock.Elapsed}: {e.GetBaseException().Message}{(service.HasExited ? " (the service has ended)" : "")}");
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
