using System.Net;
using System.Net.Sockets;
using System.Text;
using FlowService.Tests.Support;

namespace FlowService.Tests.Security;

/// <summary>What clients may cost before anything is computed for them.</summary>
public sealed class ConnectionTests : IAsyncLifetime
{
    private readonly TemporaryFolder repository = TestModels.Repository();
    private ServiceHost host = null!;

    public async ValueTask InitializeAsync() => host = await ServiceHost.StartAsync(repository.Path, null,
        ("Limits:Connections", "4"), ("Limits:HeaderBytes", "2000"), ("Limits:HeaderSeconds", "1"), ("Limits:BytesPerSecond", "1000000"), ("Kestrel:Limits:MaxRequestLineSize", "500"), ("Limits:StreamsPerConnection", "1"));

    public async ValueTask DisposeAsync()
    {
        await host.DisposeAsync();
        repository.Dispose();
    }

    [Fact]
    public async Task Headers_have_a_size_and_Kestrels_own_limits_hold_too()
    {
        Assert.StartsWith("HTTP/1.1 431", await ExchangeAsync($"GET /models HTTP/1.1\r\nHost: localhost\r\nX-Long: {new string('x', 3000)}\r\n\r\n"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 414", await ExchangeAsync($"GET /{new string('x', 600)} HTTP/1.1\r\nHost: localhost\r\n\r\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_that_is_slow_with_its_headers_is_cut_off() =>
        Assert.StartsWith("HTTP/1.1 408", await ExchangeAsync("GET /models HTTP/1.1\r\nHost: loc"), StringComparison.Ordinal);

    [Fact]
    public async Task A_client_that_is_slow_with_its_body_is_cut_off() =>
        Assert.StartsWith("HTTP/1.1 408", await ExchangeAsync("POST /logprob HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"), StringComparison.Ordinal);

    [Fact]
    public async Task Connections_beyond_the_limit_are_closed_at_once()
    {
        using HttpClient first = host.Anonymous();
        await first.GetAsync("/health/live");
        var others = new List<TcpClient>();
        try
        {
            // Some of the four are the fixture's own.
            for (int i = 0; i < 4; i++)
                others.Add(await ConnectAsync());
            Assert.Equal("", await ExchangeAsync("GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
        }
        finally
        {
            others.ForEach(other => other.Dispose());
        }
    }

    [Fact]
    public async Task JSON_that_is_nested_without_end_is_refused_where_it_is_too_deep()
    {
        using HttpClient http = host.Anonymous();

        using HttpResponseMessage response = await http.SendAsync("/v2/models/two-moons/infer", $$"""{"inputs":[{"name":"x","parameters":{{new string('[', 1_000_000)}}""");
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    private async Task<TcpClient> ConnectAsync()
    {
        var client = new TcpClient();
        await client.ConnectAsync(host.Address.Host, host.Address.Port);
        return client;
    }

    /// <summary>What comes back until the service closes the connection.</summary>
    private async Task<string> ExchangeAsync(string request)
    {
        using TcpClient client = await ConnectAsync();
        try
        {
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request));
            using var reader = new StreamReader(client.GetStream());
            return await reader.ReadToEndAsync();
        }
        catch (IOException)
        {
            return "";
        }
    }
}
