using System.Net;
using FlowService.Tests.Support;

namespace FlowService.Tests.Security;

/// <summary>Who may load and unload.</summary>
public sealed class AdminTests : IDisposable
{
    private readonly TemporaryFolder repository = new();

    public AdminTests() => TestModels.Write(repository.Path, TestModels.Spec("m", 2));

    public void Dispose() => repository.Dispose();

    [Fact]
    public async Task With_a_key_configured_it_is_needed()
    {
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, null, ("Admin:Key", "s3cret"), ("Batching:BatchRows", "16"));

        Assert.Equal(HttpStatusCode.Unauthorized, await LoadAsync(host));
        Assert.Equal(HttpStatusCode.Unauthorized, await LoadAsync(host, ("Authorization", "Bearer s3cre")));
        Assert.Equal(HttpStatusCode.Unauthorized, await LoadAsync(host, ("Authorization", "Basic s3cret")));
        Assert.Equal(HttpStatusCode.OK, await LoadAsync(host, ("Authorization", "Bearer s3cret")));
        Assert.Equal(HttpStatusCode.OK, await LoadAsync(host, ("Authorization", "Bearer s3cret"), ("X-Forwarded-For", "192.0.2.1")));
    }

    [Fact]
    public async Task Without_a_key_only_this_machine_is_trusted_and_not_what_a_proxy_on_it_passes_on()
    {
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, null, ("Batching:BatchRows", "16"));

        Assert.Equal(HttpStatusCode.OK, await LoadAsync(host));
        Assert.Equal(HttpStatusCode.Forbidden, await LoadAsync(host, ("X-Forwarded-For", "192.0.2.1")));
        Assert.Equal(HttpStatusCode.Forbidden, await LoadAsync(host, ("Forwarded", "for=192.0.2.1")));
    }

    private static async Task<HttpStatusCode> LoadAsync(ServiceHost host, params (string Name, string Value)[] headers)
    {
        using HttpClient http = host.Http();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/models/m/load");
        foreach ((string name, string value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        using HttpResponseMessage response = await http.SendAsync(request);
        if (!response.IsSuccessStatusCode)
            await Calls.ProblemAsync(response, response.StatusCode);
        return response.StatusCode;
    }
}
