namespace FlowService.Tests.Support;

/// <summary>A service with the models that the project ships, for the tests of a class.</summary>
public sealed class DemoService : IAsyncLifetime
{
    private ServiceHost host = null!;

    public HttpClient Http { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        host = await ServiceHost.StartAsync(DemoModels.All);
        Http = host.Http();
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await host.DisposeAsync();
    }
}
