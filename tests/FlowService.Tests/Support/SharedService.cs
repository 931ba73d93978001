[assembly: AssemblyFixture(typeof(FlowService.Tests.Support.SharedService))]

namespace FlowService.Tests.Support;

/// <summary>One service with the test models, for the tests that only ask it.</summary>
public sealed class SharedService : IAsyncLifetime
{
    private readonly TemporaryFolder repository = TestModels.Repository();
    private ServiceHost? host;
    private volatile bool hasLost;

    internal ServiceHost Host => host!;

    public HttpClient Http { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        host = await ServiceHost.StartAsync(repository.Path);
        Http = host.Http();
    }

    /// <summary>Waits until no request holds a buffer. What one test has lost makes no other wait in vain.</summary>
    public async Task BuffersAreBackAsync()
    {
        Assert.False(hasLost, "buffers were lost before this test");
        try
        {
            await Eventually.TrueAsync(() => Host.Pool.Outstanding == 0, "all buffers are back");
        }
        catch
        {
            hasLost = true;
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Host.DisposeAsync();
        repository.Dispose();
    }
}
