using FlowCore.Checkpoints;
using FlowCore.Engines;
using FlowService.Batching;
using Microsoft.Extensions.Options;

namespace FlowService.Models;

/// <summary>From a folder to a served model: read, build, self-test, warm up. All of it on a thread of its own.</summary>
internal sealed class ModelLoader(
    EngineFactory build, ComputeDevice device, IOptions<ModelsOptions> models, IOptions<BatchingOptions> batching, ILogger<ModelLoader> logger)
{
    /// <summary>The loaded version; where that fails, the version with the reason. Never throws for a model's sake.</summary>
    public Task<ModelVersion> LoadAsync(ModelFolder folder)
    {
        var loaded = new TaskCompletionSource<ModelVersion>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() => loaded.SetResult(Load(folder))) { Name = $"loads {folder.Name}/{folder.Version}", IsBackground = true }.Start();
        return loaded.Task;
    }

    private ModelVersion Load(ModelFolder folder)
    {
        FlowEngine<float>? engine = null;
        try
        {
            Checkpoint checkpoint = Checkpoint.Read(folder.Path);
            engine = build(checkpoint, device.Queue.Device);
            SelfTestFigures figures;
            using (var reference = new TorchEngine<double>(checkpoint.BuildFlow()))
                figures = SelfTest.Run(engine, reference, models.Value.SelfTestTolerance);
            WarmUp.Run(engine, batching.Value.BatchRows);
            logger.ModelReady(folder.Name, folder.Version, engine.Name, engine.Device, figures.RoundTripError, figures.LogProbDifference);
            return ModelVersion.Ready(new ServedModel(folder.Name, folder.Version, engine, device.Queue, figures));
        }
        catch (Exception e)
        {
            engine?.Dispose();
            logger.ModelRefused(folder.Name, folder.Version, e.Message, e is FlowCore.FlowException ? null : e);
            return ModelVersion.Failed(folder, e.Message);
        }
    }
}
