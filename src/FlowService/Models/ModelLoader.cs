using FlowCore;
using FlowCore.Calibration;
using FlowCore.Checkpoints;
using FlowCore.Engines;
using FlowService.Batching;
using FlowService.Drift;
using FlowService.Telemetry;
using Microsoft.Extensions.Options;

namespace FlowService.Models;

/// <summary>From a folder to a served model: read, build, self-test, warm up. All of it on a thread of its own.</summary>
internal sealed class ModelLoader(
    EngineFactory build, IOptions<EngineOptions> computing, TorchRuntime torch, IOptions<ModelsOptions> models, IOptionsMonitor<BatchingOptions> batching, IOptionsMonitor<ServingOptions> serving,
    IOptions<DriftOptions> drift, FlowMetrics metrics, TimeProvider time, ILogger<ModelLoader> logger)
{
    /// <summary>
    /// The loaded version; where that fails, whatever it is, the version with the reason. Never throws for a model's sake: nothing else
    /// that is served may feel it.
    /// </summary>
    public Task<ModelVersion> LoadAsync(ModelFolder folder)
    {
        var loaded = new TaskCompletionSource<ModelVersion>(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            new Thread(() => loaded.SetResult(LoadOrFail(folder))) { Name = $"loads {folder.Name}/{folder.Version}", IsBackground = true }.Start();
        }
        catch (Exception e) when (e is OutOfMemoryException or ThreadStartException)
        {
            loaded.SetResult(ModelVersion.Failed(folder, e.Message));
        }
        return loaded.Task;
    }

    // The thread's last word: what escapes it would end the process.
    private ModelVersion LoadOrFail(ModelFolder folder)
    {
        try
        {
            return Load(folder);
        }
        catch (Exception e)
        {
            return ModelVersion.Failed(folder, Reason(e));
        }
    }

    /// <summary>What happened, below what only passed it on from another thread.</summary>
    private static string Reason(Exception e) => e switch
    {
        AggregateException { InnerException: { } inner } => Reason(inner),
        FlowCore.FlowException => e.Message,
        { InnerException: { } inner } => $"{e.Message}: {Reason(inner)}",
        _ => $"{e.GetType().Name}: {e.Message}",
    };

    private ModelVersion Load(ModelFolder folder)
    {
        var engines = new List<FlowEngine<float>>();
        try
        {
            BatchingOptions settings = batching.Get(folder.Name), batches = settings;
            ServingOptions options = serving.Get(folder.Name);
            Checkpoint checkpoint = Checkpoint.Read(folder.Path);
            CalibrationSet? calibration = CalibrationSet.Read(folder.Path, checkpoint.Spec);
            SelfTestFigures? figures = null;
            var cost = new RowCost(options.Instances);
            int? tooMany = null;
            foreach (FlowEngine<float> engine in Engines(checkpoint, options))
            {
                engines.Add(engine);
                batches = settings.On(engines[0].Device);
                if (figures is null)
                {
                    // A compiled engine's reference is its own float64 form, which needs no libtorch; the self-test measures that one, too.
                    using FlowEngine<double> reference = Engine.ReferenceOf(engine, checkpoint);
                    using FlowEngine<double>? independent = Independent(checkpoint, reference);
                    figures = SelfTest.Run(engine, reference, models.Value.SelfTestTolerance, independent);
                }
                tooMany = WarmUp.Run(engine, tooMany / 2 ?? batches.BatchRows, cost) ?? tooMany;
            }
            logger.ModelReady(folder.Name, folder.Version, engines[0].Name, engines[0].Device, figures!.RoundTripError, figures.LogProbDifference);
            var statistics = new ModelStatistics(time);
            var served = new ServedModel(folder.Name, folder.Version, [.. engines], batches, figures, metrics, time, logger, cost)
            {
                Statistics = statistics,
                IsCached = options.Cache,
                Calibration = calibration,
                Card = folder.ReadCard(),
                Voice = checkpoint.Spec.Sound is null ? null : new(new(checkpoint, computing.Value.Threads == 0 ? Environment.ProcessorCount : computing.Value.Threads)),
                WeightBytes = checkpoint.Weights.Values.Sum(tensor => (long)tensor.Data.Length),
                Layers = LayeredFlow.Offers(checkpoint.Spec) ? new(checkpoint, time) : null,
                Sizes = EventSizes.Of(checkpoint.Spec) is not { } sizes ? null : new(sizes, checkpoint, resized =>
                    AtSize(folder, resized, options, batches, figures, statistics, cost.Times((double)resized.Spec.Width / checkpoint.Spec.Width))),
                Drift = calibration is not null && drift.Value.WindowRows > 0 ? new(calibration, drift.Value.WindowRows, checkpoint.Spec.Training?.Columns) : null,
            };
            if (tooMany is { } rows)
                logger.OutOfMemory(folder.Name, folder.Version, rows, served.Queue.Halve(rows));
            return ModelVersion.Ready(served.Start());
        }
        catch (Exception e)
        {
            engines.ForEach(engine => engine.Dispose());
            logger.ModelRefused(folder.Name, folder.Version, Reason(e), e is FlowCore.FlowException ? null : e);
            return ModelVersion.Failed(folder, Reason(e));
        }
    }

    // One that was self-tested at its own size: the same steps run over more pixels.
    private ServedModel AtSize(
        ModelFolder folder, Checkpoint checkpoint, ServingOptions options, BatchingOptions batches, SelfTestFigures figures, ModelStatistics statistics, RowCost cost)
    {
        FlowEngine<float>[] engines = [.. Engines(checkpoint, options)];
        var served = new ServedModel(folder.Name, folder.Version, engines, batches, figures, metrics, time, logger, cost)
        {
            Statistics = statistics,
            IsCached = options.Cache,
        };
        return served.Start();
    }

    /// <summary>
    /// An engine that shares nothing with the reference, where one can be had at little cost: the compiled one needs no library, and
    /// TorchSharp is taken where its library is loaded for another model's sake. Else null.
    /// </summary>
    private static FlowEngine<double>? Independent(Checkpoint checkpoint, FlowEngine<double> reference)
    {
        if (reference.Conditional is not TorchEngine<double>)
            return TorchRuntime.IsLoaded ? Engine.Open<double>(checkpoint, EngineKind.Torch) : null;
        FlowEngine<double> compiled = Engine.Open<double>(checkpoint);
        if (compiled.Conditional is not TorchEngine<double>)
            return compiled;
        compiled.Dispose();
        return null;
    }

    private IEnumerable<FlowEngine<float>> Engines(Checkpoint checkpoint, ServingOptions options)
    {
        for (int i = 0; i < options.Instances; i++)
        {
            FlowEngine<float> engine = build(checkpoint, options.DeviceOf(i) ?? torch.Device);
            yield return options.Deterministic && !engine.SameBitsInAnyBatch ? new RowByRowEngine<float>(engine) { Reason = engine.Reason } : engine;
        }
    }
}
