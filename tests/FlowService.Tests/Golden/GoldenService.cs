using System.Text.Json;
using FlowCore.Tests.Golden;
using FlowService.Tests.Support;

namespace FlowService.Tests.Golden;

/// <summary>One service with every golden model: imported, written as checkpoints, and loaded as an operator's own would be.</summary>
public sealed class GoldenService : IAsyncLifetime
{
    private readonly TemporaryFolder repository = new();
    private readonly Dictionary<string, GoldenModel> models = GoldenModel.Names.ToDictionary(name => name, GoldenModel.Read);
    private ServiceHost? host;

    public HttpClient Http { get; private set; } = null!;

    public GoldenModel this[string name] => models[name];

    /// <summary>The name under which a golden model is served.</summary>
    public static string Served(string name) => name.Replace('/', '-');

    public async ValueTask InitializeAsync()
    {
        foreach ((string name, GoldenModel model) in models)
            (model.Checkpoint with { Spec = model.Checkpoint.Spec with { Name = Served(name) } })
                .Write(Path.Combine(repository.Path, Served(name), "1"), "# A golden model\n");
        // Small batches: 32 models warm up with a batch each.
        host = await ServiceHost.StartAsync(repository.Path, null, ("Batching:BatchRows", "64"));
        Http = host.Http();
    }

    /// <summary>The answer to a request about a golden model; a context of width 0 is left out.</summary>
    public Task<JsonElement> AskAsync(string name, string path, string field, double[] rows, double[] context)
    {
        var body = new Dictionary<string, object> { ["model"] = Served(name), [field] = Rows(rows, models[name].Checkpoint.Spec.Width) };
        if (context.Length > 0)
            body["context"] = Rows(context, models[name].Checkpoint.Spec.ContextWidth);
        return Http.AskAsync(path, JsonSerializer.Serialize(body));
    }

    /// <summary>Flat values as rows of floats: a request's numbers.</summary>
    public static float[][] Rows(double[] values, int width) =>
        [.. values.Chunk(width).Select(row => Array.ConvertAll(row, value => (float)value))];

    public async ValueTask DisposeAsync()
    {
        Http?.Dispose();
        if (host is not null)
            await host.DisposeAsync();
        repository.Dispose();
    }
}

[CollectionDefinition(nameof(GoldenService))]
public sealed class SharedGoldenService : ICollectionFixture<GoldenService>;
