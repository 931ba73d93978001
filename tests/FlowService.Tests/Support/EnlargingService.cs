using FlowCore.Checkpoints;
using FlowCore.Engines;

namespace FlowService.Tests.Support;

/// <summary>One service with the demo model that enlarges pictures, for the tests that ask it about sizes and forms.</summary>
public sealed class EnlargingService : IAsyncLifetime
{
    public const string Collection = "enlarging", Model = "clothing-4x";

    private readonly TemporaryFolder repository = DemoModels.Repository(Model);

    /// <summary>While it is not set no engine is built.</summary>
    internal ManualResetEventSlim MayBuild { get; } = new(initialState: true);

    internal ServiceHost Host { get; private set; } = null!;

    public HttpClient Http { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Host = await ServiceHost.StartAsync(repository.Path, Build, ("Limits:BodyBytes", "100000"));
        Http = Host.Http();
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Host.DisposeAsync();
        repository.Dispose();
        MayBuild.Dispose();
    }

    private FlowEngine<float> Build(Checkpoint checkpoint, string device)
    {
        MayBuild.Wait();
        return Engine.Open<float>(checkpoint, EngineKind.Auto, device);
    }
}

[CollectionDefinition(EnlargingService.Collection)]
public sealed class EnlargingTestsOfOneService : ICollectionFixture<EnlargingService>;
