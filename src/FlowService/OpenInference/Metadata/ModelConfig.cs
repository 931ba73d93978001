using FlowService.Limits;
using FlowService.Models;
using FlowService.OpenInference.Faces;

namespace FlowService.OpenInference.Metadata;

/// <summary>A model's configuration in the form that Triton has given it.</summary>
/// <param name="Name">The name that was asked for.</param>
/// <param name="Platform">What computes it.</param>
/// <param name="Backend">The engine: compiled, gpu or torch.</param>
/// <param name="VersionPolicy">Which versions of the model are loaded.</param>
/// <param name="MaxBatchSize">The most rows in one request; 0 where the first dimension counts none. (How many are computed together is the service's own affair.)</param>
/// <param name="Input">The inputs, their shapes without the rows.</param>
/// <param name="Output">The outputs, their shapes without the rows.</param>
/// <param name="InstanceGroup">The engines, by their devices.</param>
/// <param name="DynamicBatching">Requests are batched.</param>
internal sealed record ModelConfig(
    string Name, string Platform, string Backend, VersionPolicy VersionPolicy, int MaxBatchSize, InputConfig[] Input, OutputConfig[] Output,
    InstanceGroup[] InstanceGroup, DynamicBatching DynamicBatching)
{
    public static ModelConfig Of(ModelFace face, LimitsOptions limits, ServingOptions serving)
    {
        ServedModel model = face.Model;
        int skip = face.IsBatched ? 1 : 0;
        return new(
            face.Name, ModelMetadata.PlatformOf(model), model.Engine.Name, VersionPolicy.Of(serving),
            face.IsBatched ? Math.Min(limits.RowsPerRequest, limits.ValuesPerRequest / model.Width) : 0,
            Array.ConvertAll(face.Inputs, spec => new InputConfig(spec.Name, $"TYPE_{spec.Datatype.Name}", spec.Shape[skip..], spec.IsOptional)),
            Array.ConvertAll(face.Outputs, spec => new OutputConfig(spec.Name, $"TYPE_{spec.Datatype.Name}", spec.Shape[skip..])),
            [.. model.Engines.GroupBy(engine => engine.Device).Select((group, i) => Metadata.InstanceGroup.Of($"{face.Name}_{i}", group.Key, group.Count()))],
            new([], model.Queue.Options.DelayMicroseconds, PriorityLevels: 2, DefaultPriorityLevel: 1));
    }
}

internal sealed record InputConfig(string Name, string DataType, long[] Dims, bool Optional);

internal sealed record OutputConfig(string Name, string DataType, long[] Dims);

/// <summary>How requests wait for each other. A batch leaves as soon as an engine is free: no size is preferred.</summary>
internal sealed record DynamicBatching(int[] PreferredBatchSize, long MaxQueueDelayMicroseconds, int PriorityLevels, int DefaultPriorityLevel);

/// <summary>Engines of one device.</summary>
internal sealed record InstanceGroup(string Name, string Kind, int Count, int[] Gpus)
{
    private const string Cuda = "cuda:";

    public static InstanceGroup Of(string name, string device, int count) => device.StartsWith(Cuda, StringComparison.Ordinal)
        ? new(name, "KIND_GPU", count, [int.Parse(device.AsSpan(Cuda.Length), System.Globalization.CultureInfo.InvariantCulture)])
        : new(name, "KIND_CPU", count, []);
}
