[assembly: AssemblyFixture(typeof(FlowService.Tests.Support.SharedService))]

namespace FlowService.Tests.Support;

/// <summary>One service with the test models, for the tests that only ask it.</summary>
public sealed class SharedService : IAsyncLifetime
{
    private readonly TemporaryFolder repository = TestModels.Repository();
    private ServiceHost? host;

    internal ServiceHost Host => host!;

    public HttpClient Http { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        host = await ServiceHost.StartAsync(repository.Path);
        Http = host.Http();
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Host.DisposeAsync();
        repository.Dispose();
    }
}
