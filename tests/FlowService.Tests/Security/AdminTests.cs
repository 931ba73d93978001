using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Text.Json;
using FlowService.Tests.Support;

namespace FlowService.Tests.Security;

/// <summary>Who may load and unload: who has a key, or may open the socket. Nobody is an administrator by where a call comes from.</summary>
public sealed class AdminTests : IDisposable
{
    private readonly TemporaryFolder repository = new();

    public AdminTests() => TestModels.Write(repository.Path, TestModels.Spec("m", 2));

    public void Dispose() => repository.Dispose();

    [Fact]
    public async Task The_key_is_needed()
    {
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, null, ("Admin:Key", "s3cret"), ("Batching:BatchRows", "16"));

        Assert.Equal(HttpStatusCode.Unauthorized, await LoadAsync(host));
        Assert.Equal(HttpStatusCode.Unauthorized, await LoadAsync(host, ("Authorization", "Bearer s3cre")));
        Assert.Equal(HttpStatusCode.Unauthorized, await LoadAsync(host, ("Authorization", "Basic s3cret")));
        Assert.Equal(HttpStatusCode.OK, await LoadAsync(host, ("Authorization", "Bearer s3cret")));
        Assert.Equal(HttpStatusCode.OK, await LoadAsync(host, ("X-Api-Key", "s3cret")));
        Assert.Equal(HttpStatusCode.OK, await LoadAsync(host, ("Authorization", "Bearer s3cret"), ("X-Forwarded-For", "192.0.2.1")));

        // A misspelt version, or one in the body, must not unload them all.
        using HttpClient http = host.Anonymous();
        http.DefaultRequestHeaders.Add("X-Api-Key", "s3cret");
        JsonElement misspelt = await http.RefusedAsync("/models/m/unload?verison=2", "{}", HttpStatusCode.UnprocessableEntity);
        Assert.Equal("field 'verison' is unknown here; this call takes version, in the query", misspelt.Detail());
        await http.RefusedAsync("/models/m/unload", """{"version":2}""", HttpStatusCode.UnprocessableEntity);
        await http.RefusedAsync("/models/m/promote?version=2", "", HttpStatusCode.UnprocessableEntity);
        await http.AskAsync("/logprob", """{"model":"m","x":[[0,1]]}""");
        await http.AskAsync("/models/m/unload", "{}");
    }

    [Fact]
    public async Task Without_one_nobody_is_let_in_from_this_machine_either_and_computing_needs_none()
    {
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, null, ("Admin:Key", ""), ("Batching:BatchRows", "16"));
        using HttpClient http = host.Anonymous();

        using HttpResponseMessage refused = await http.PostAsync("/models/m/unload", new StringContent("", new MediaTypeHeaderValue("text/plain")));
        Assert.Contains("start the service with Admin:Key", (await Calls.ProblemAsync(refused, HttpStatusCode.Unauthorized)).Detail(), StringComparison.Ordinal);
        Assert.Equal("Bearer", refused.Headers.WwwAuthenticate.ToString());
        Assert.Equal(HttpStatusCode.Unauthorized, await LoadAsync(host, ("Authorization", "Bearer ")));
        Assert.Equal(HttpStatusCode.Unauthorized, (await http.PostAsync("/v2/repository/models/m/unload", null)).StatusCode);
        await http.AskAsync("/logprob", """{"x":[[0,1]]}""");
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/metrics")).StatusCode);
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public async Task Who_may_open_the_socket_is_an_administrator()
    {
        string socket = Path.Combine(repository.Path, ".admin.sock");
        File.WriteAllText(socket, "left behind");
        int port = ServiceProcess.FreePort();
        await using ServiceProcess service = await ServiceProcess.StartAsync(repository.Path, port, $"--Admin:Socket={socket}");
        using HttpClient bySocket = BySocket(socket), byPort = service.Http();

        await bySocket.AskAsync("/models/m/load", "");
        await byPort.RefusedAsync("/models/m/load", "", HttpStatusCode.Unauthorized);
        await byPort.AskAsync("/logprob", """{"x":[[0,1]]}""");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(socket));
    }

    private static HttpClient BySocket(string path) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancellation) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        },
    })
    { BaseAddress = new Uri("http://anything") };

    private static async Task<HttpStatusCode> LoadAsync(ServiceHost host, params (string Name, string Value)[] headers)
    {
        using HttpClient http = host.Anonymous();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/models/m/load");
        foreach ((string name, string value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        using HttpResponseMessage response = await http.SendAsync(request);
        if (!response.IsSuccessStatusCode)
            await Calls.ProblemAsync(response, response.StatusCode);
        return response.StatusCode;
    }
}
