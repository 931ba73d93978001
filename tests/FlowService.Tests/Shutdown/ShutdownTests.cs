using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using FlowService.OpenInference.Grpc.Protocol;
using FlowService.Tests.Support;
using Grpc.Net.Client;

namespace FlowService.Tests.Shutdown;

/// <summary>How a process ends that is told to.</summary>
public sealed class ShutdownTests : IDisposable
{
    private const string Samples = """{"model":"m","count":3,"seed":7}""";

    private const string OneRow = """{"model":"m","x":[[0.5,1]]}""";

    private readonly TemporaryFolder repository = new();

    public ShutdownTests() => TestModels.Write(repository.Path, TestModels.Spec("m", 2));

    public void Dispose() => repository.Dispose();

    [Fact]
    public async Task SIGTERM_turns_readiness_false_and_the_service_answers_until_the_pause_is_over()
    {
        await using ServiceProcess service = await ServiceProcess.StartAsync(repository.Path, ServiceProcess.FreePort(), "--Shutdown:PauseSeconds=2");
        using HttpClient http = service.Http();
        await service.SignalAsync("TERM");
        await Eventually.TrueAsync(async () => await ServiceProcess.ReadyAsync(http) == HttpStatusCode.ServiceUnavailable, "readiness is false");

        await http.AskAsync("/logprob", OneRow);
        Assert.Equal(0, await service.ExitAsync());
    }

    [Fact]
    public async Task What_was_accepted_is_finished_and_nothing_new_is_taken()
    {
        await using ServiceProcess service = await ServiceProcess.StartAsync(repository.Path, ServiceProcess.FreePort(), "--Shutdown:PauseSeconds=0");
        using HttpClient http = service.Http();
        using TcpClient slow = await HalfARequestAsync(service);
        await service.SignalAsync("HUP"); // its terminal is closed
        await Eventually.TrueAsync(async () => await ServiceProcess.ReadyAsync(http) is null, "the service listens no more");

        string answer = await OtherHalfAsync(slow);

        Assert.StartsWith("HTTP/1.1 200", answer, StringComparison.Ordinal);
        Assert.Contains("log_prob", answer, StringComparison.Ordinal);
        Assert.Equal(0, await service.ExitAsync());
    }

    [Fact]
    public async Task A_second_signal_cuts_the_pause_and_the_requests_short()
    {
        await using ServiceProcess service = await ServiceProcess.StartAsync(repository.Path, ServiceProcess.FreePort(), "--Shutdown:PauseSeconds=3600");
        using HttpClient http = service.Http();
        using TcpClient slow = await HalfARequestAsync(service);
        await service.SignalAsync("TERM");
        await Eventually.TrueAsync(async () => await ServiceProcess.ReadyAsync(http) == HttpStatusCode.ServiceUnavailable, "readiness is false");
        await service.SignalAsync("TERM");

        Assert.Equal(0, await service.ExitAsync());
    }

    [Fact]
    public async Task What_is_not_finished_in_time_is_cut_off()
    {
        await using ServiceProcess service = await ServiceProcess.StartAsync(repository.Path, ServiceProcess.FreePort(), "--Shutdown:PauseSeconds=0", "--Shutdown:TimeoutSeconds=1");
        using TcpClient slow = await HalfARequestAsync(service);
        await service.SignalAsync("TERM");

        Assert.Equal(0, await service.ExitAsync());
    }

    [Fact]
    public async Task Ctrl_C_leaves_the_pause_out()
    {
        await using ServiceProcess service = await ServiceProcess.StartAsync(repository.Path, ServiceProcess.FreePort(), "--Shutdown:PauseSeconds=3600");
        await service.SignalAsync("INT");

        Assert.Equal(0, await service.ExitAsync());
    }

    [Fact]
    public async Task Behind_nginx_no_request_fails_while_one_of_two_replicas_restarts()
    {
        string program = NginxProcess.Find();
        int[] ports = [ServiceProcess.FreePort(), ServiceProcess.FreePort()];
        ServiceProcess[] replicas = await Task.WhenAll(ports.Select(port => ServiceProcess.StartAsync(repository.Path, port, "--Shutdown:PauseSeconds=0.5")));
        await using NginxProcess nginx = await NginxProcess.StartAsync(program, (ports[0], 1), (ports[1], 1));
        using var stop = new CancellationTokenSource();
        Task<int>[] clients = [.. Enumerable.Range(0, 2).Select(_ => Task.Run(() => HammerAsync(nginx, stop.Token)))];
        for (int i = 0; i < 4; i++)
        {
            await replicas[i % 2].SignalAsync("TERM");
            Assert.Equal(0, await replicas[i % 2].ExitAsync());
            await replicas[i % 2].DisposeAsync();
            replicas[i % 2] = await ServiceProcess.StartAsync(repository.Path, ports[i % 2], "--Shutdown:PauseSeconds=0.5");
        }
        await stop.CancelAsync();

        Assert.True((await Task.WhenAll(clients)).Sum() > 100);
        foreach (ServiceProcess replica in replicas)
            await replica.DisposeAsync();
    }

    [Fact]
    public async Task Behind_nginx_a_replica_that_is_killed_takes_none_of_the_others_requests_with_it_by_HTTP_and_gRPC()
    {
        string program = NginxProcess.Find();
        (int Http, int Grpc)[] ports = [(ServiceProcess.FreePort(), ServiceProcess.FreePort()), (ServiceProcess.FreePort(), ServiceProcess.FreePort())];
        ServiceProcess[] replicas = await Task.WhenAll(ports.Select(port => ServiceProcess.StartAsync(repository.Path, port.Http, $"--Grpc:Port={port.Grpc}")));
        await using NginxProcess nginx = await NginxProcess.StartAsync(program, ports);
        using GrpcChannel channel = GrpcChannel.ForAddress(nginx.GrpcAddress);
        var client = new GRPCInferenceService.GRPCInferenceServiceClient(channel);
        using HttpClient http = nginx.Http();
        JsonElement before = await http.AskAsync("/sample", Samples);
        Assert.True((await client.ModelReadyAsync(new() { Name = "m" })).Ready);

        await replicas[0].SignalAsync("KILL");
        await replicas[0].ExitAsync();

        // Each of these would go to the dead one every other time; and the same seed gives the same samples from any replica.
        for (int i = 0; i < 6; i++)
        {
            Assert.Equal(before.GetRawText(), (await http.AskAsync("/sample", Samples)).GetRawText());
            Assert.True((await client.ModelReadyAsync(new() { Name = "m" })).Ready);
        }
        foreach (ServiceProcess replica in replicas)
            await replica.DisposeAsync();
    }

    /// <summary>Asks until it is told to stop; any answer but 200 fails.</summary>
    private static async Task<int> HammerAsync(NginxProcess nginx, CancellationToken stop)
    {
        using HttpClient http = nginx.Http();
        int asked = 0;
        for (; !stop.IsCancellationRequested; asked++)
            await http.AskAsync("/logprob", OneRow);
        return asked;
    }

    private static async Task<TcpClient> HalfARequestAsync(ServiceProcess service)
    {
        var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, service.Port);
        // The service asks for the body once it has taken the request.
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(
            $"POST /logprob HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {OneRow.Length}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"));
        var buffer = new byte[1000];
        int read = await client.GetStream().ReadAsync(buffer);
        Assert.StartsWith("HTTP/1.1 100", Encoding.ASCII.GetString(buffer, 0, read), StringComparison.Ordinal);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(OneRow[..10]));
        return client;
    }

    private static async Task<string> OtherHalfAsync(TcpClient client)
    {
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(OneRow[10..]));
        using var reader = new StreamReader(client.GetStream());
        return await reader.ReadToEndAsync();
    }
}
