using FlowService.OpenInference.Grpc.Protocol;
using FlowService.OpenInference.Metadata;
using static FlowService.OpenInference.Grpc.Protocol.ModelVersionPolicy.Types;

namespace FlowService.OpenInference.Grpc;

/// <summary>What the service says of its models, as messages.</summary>
internal static class Messages
{
    public static ServerMetadataResponse Of(ServerMetadata server) => new() { Name = server.Name, Version = server.Version, Extensions = { server.Extensions } };

    public static ModelMetadataResponse Of(Metadata.ModelMetadata model) => new()
    {
        Name = model.Name,
        Versions = { model.Versions },
        Platform = model.Platform,
        Inputs = { model.Inputs.Select(Of) },
        Outputs = { model.Outputs.Select(Of) },
    };

    public static Protocol.ModelConfig Of(Metadata.ModelConfig config) => new()
    {
        Name = config.Name,
        Platform = config.Platform,
        Backend = config.Backend,
        VersionPolicy = Of(config.VersionPolicy),
        MaxBatchSize = config.MaxBatchSize,
        Input = { config.Input.Select(input => new ModelInput { Name = input.Name, DataType = Of(input.DataType), Dims = { input.Dims }, Optional = input.Optional }) },
        Output = { config.Output.Select(output => new ModelOutput { Name = output.Name, DataType = Of(output.DataType), Dims = { output.Dims } }) },
        InstanceGroup = { config.InstanceGroup.Select(Of) },
        DynamicBatching = new()
        {
            PreferredBatchSize = { config.DynamicBatching.PreferredBatchSize },
            MaxQueueDelayMicroseconds = (ulong)config.DynamicBatching.MaxQueueDelayMicroseconds,
            PriorityLevels = (ulong)config.DynamicBatching.PriorityLevels,
            DefaultPriorityLevel = (ulong)config.DynamicBatching.DefaultPriorityLevel,
        },
    };

    public static ModelStatistics Of(ModelStats stats) => new()
    {
        Name = stats.Name,
        Version = stats.Version,
        LastInference = (ulong)stats.LastInference,
        InferenceCount = (ulong)stats.InferenceCount,
        ExecutionCount = (ulong)stats.ExecutionCount,
        InferenceStats = new()
        {
            Success = Of(stats.InferenceStats.Success),
            Fail = Of(stats.InferenceStats.Fail),
            Queue = Of(stats.InferenceStats.Queue),
            ComputeInput = Of(stats.InferenceStats.ComputeInput),
            ComputeInfer = Of(stats.InferenceStats.ComputeInfer),
            ComputeOutput = Of(stats.InferenceStats.ComputeOutput),
            CacheHit = Of(stats.InferenceStats.CacheHit),
            CacheMiss = Of(stats.InferenceStats.CacheMiss),
        },
        BatchStats = { stats.BatchStats.Select(Of) },
    };

    public static RepositoryIndexResponse.Types.ModelIndex Of(ModelIndex index) =>
        new() { Name = index.Name, Version = index.Version, State = index.State, Reason = index.Reason };

    private static InferBatchStatistics Of(BatchStats batch) => new()
    {
        BatchSize = (ulong)batch.BatchSize,
        ComputeInput = Of(batch.ComputeInput),
        ComputeInfer = Of(batch.ComputeInfer),
        ComputeOutput = Of(batch.ComputeOutput),
    };

    private static StatisticDuration Of(DurationStat duration) => new() { Count = (ulong)duration.Count, Ns = (ulong)duration.Ns };

    private static ModelMetadataResponse.Types.TensorMetadata Of(TensorMetadata tensor) => new() { Name = tensor.Name, Datatype = tensor.Datatype, Shape = { tensor.Shape } };

    private static ModelInstanceGroup Of(InstanceGroup group) => new()
    {
        Name = group.Name,
        Count = group.Count,
        Gpus = { group.Gpus },
        Kind = group.Gpus.Length > 0 ? ModelInstanceGroup.Types.Kind.Gpu : ModelInstanceGroup.Types.Kind.Cpu,
    };

    private static ModelVersionPolicy Of(VersionPolicy policy)
    {
        if (policy.Latest is { } latest)
            return new() { Latest = new Latest { NumVersions = (uint)latest.NumVersions } };
        return policy.Specific is { } specific
            ? new() { Specific = new Specific { Versions = { Array.ConvertAll(specific.Versions, version => (long)version) } } }
            : new() { All = new All() };
    }

    // Two datatypes are announced; more are accepted.
    private static DataType Of(string type) => type == "TYPE_INT64" ? DataType.TypeInt64 : DataType.TypeFp32;
}
