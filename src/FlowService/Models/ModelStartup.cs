namespace FlowService.Models;

/// <summary>Loads every model of the repository at start, while the server already says that it lives; then opens the gate.</summary>
internal sealed class ModelStartup(
    ModelRepository repository, ModelLoader loader, ModelRegistry registry, ServiceGate gate, ILogger<ModelStartup> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        List<ModelFolder> folders = repository.Scan();
        foreach (ModelFolder folder in folders)
            registry.Publish(ModelVersion.Loading(folder));
        foreach (ModelFolder folder in folders)
        {
            gate.Progress = $"loading {folder.Name} version {folder.Version}";
            ModelVersion loaded = await loader.LoadAsync(folder);
            if (stoppingToken.IsCancellationRequested)
            {
                loaded.Served?.Dispose(); // never published: no thread has it
                return;
            }
            registry.Publish(loaded);
        }
        if (folders.Count == 0)
            logger.NoModels(repository.Path);
        else
            logger.AllLoaded(folders.Count, repository.Path);
        gate.Open();
    }
}
