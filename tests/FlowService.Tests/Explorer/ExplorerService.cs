using FlowCore;
using FlowCore.Checkpoints;
using FlowService.Tests.Support;

namespace FlowService.Tests.Explorer;

/// <summary>A service with a model of every kind that the explorer shows, and a broken one.</summary>
public sealed class ExplorerService : IAsyncLifetime
{
    public const string Plane = "two-moons", Table = "breast-cancer", Pictures = "digits", Enlarging = "clothing-4x", Speaking = "speech", Measured = "engines", Conditional = "posterior", Wide = "wide", Broken = "broken";

    private readonly TemporaryFolder repository = TestModels.Repository();
    private ServiceHost? host;

    public const string AdminKey = "flow_an-administrator-of-the-tests";

    public Uri Address => host!.Address;

    public HttpClient Http() => host!.Http();

    public async ValueTask InitializeAsync()
    {
        // The shipped models where the kinds have some; the test's own where a calibration is needed, or a condition.
        DemoModels.CopyTo(repository, Plane, Table, Pictures, Enlarging, Speaking);
        TestModels.Write(repository.Path, TestModels.Spec(Measured, 5) with { Features = ["speed", "load", "heat", "noise", "age"] }, calibrationRows: 400);
        FlowSpec conditional = TestModels.Spec(Conditional, 2, new ContextSpec { Size = 2, Features = ["distance", "energy"] }) with { Features = ["speed", "mass"] };
        Directory.Delete(Path.Combine(repository.Path, Conditional), recursive: true);
        TestModels.Write(repository.Path, conditional, calibrationRows: 400);
        Directory.CreateDirectory(Path.Combine(repository.Path, Broken, "1"));
        await File.WriteAllTextAsync(Path.Combine(repository.Path, Broken, "1", Checkpoint.SpecFile), "{}");
        await File.WriteAllTextAsync(Path.Combine(repository.Path, Broken, "1", Checkpoint.WeightsFile), "");
        TestModels.Write(repository.Path, TestModels.Spec(Measured, 5) with { Features = ["speed", "load", "heat", "noise", "age"] }, version: 2, calibrationRows: 400);
        host = await ServiceHost.StartAsync(repository.Path, null,
            ("Admin:Key", AdminKey), ($"Models:Overrides:{Measured}:Shadow", "2"), ($"Models:Overrides:{Measured}:ShadowShare", "1"), ($"Models:Overrides:{Measured}:ShadowTime", "1"));
    }

    public async ValueTask DisposeAsync()
    {
        if (host is not null)
            await host.DisposeAsync();
        repository.Dispose();
    }
}
