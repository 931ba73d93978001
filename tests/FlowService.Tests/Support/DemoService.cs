namespace FlowService.Tests.Support;

/// <summary>A service with the shipped models that make pictures and sound of others, for the tests of a class.</summary>
public sealed class DemoService : IAsyncLifetime
{
    private readonly TemporaryFolder repository = DemoModels.Repository("clothing-4x", "speech");
    private ServiceHost host = null!;

    public HttpClient Http { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        host = await ServiceHost.StartAsync(repository.Path);
        Http = host.Http();
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await host.DisposeAsync();
        repository.Dispose();
    }
}
