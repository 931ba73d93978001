using FlowService.Errors;
using FlowService.Limits;
using FlowService.Models;
using FlowService.OpenInference.Faces;
using FlowService.OpenInference.Grpc.Protocol;
using FlowService.OpenInference.Metadata;
using FlowService.Security;
using Grpc.Core;
using Microsoft.Extensions.Options;

namespace FlowService.OpenInference.Grpc;

/// <summary>The protocol's gRPC service. Model names, tensors and the way to the engine are those of REST.</summary>
internal sealed class InferenceService(
    ModelFaces faces, ModelRegistry registry, ModelLifecycle models, InferCalls inference, ServiceGate gate, DeviceProbe devices,
    IOptions<LimitsOptions> limits, IOptionsMonitor<ServingOptions> serving, RefusalPace pace,
    ILogger<InferenceService> logger) : GRPCInferenceService.GRPCInferenceServiceBase
{
    public const string Name = "inference.GRPCInferenceService";

    public override Task<ServerLiveResponse> ServerLive(ServerLiveRequest request, ServerCallContext context) =>
        Task.FromResult(new ServerLiveResponse { Live = true });

    public override async Task<ServerReadyResponse> ServerReady(ServerReadyRequest request, ServerCallContext context)
    {
        try
        {
            gate.CheckReady();
            await devices.CheckAsync(context.CancellationToken);
            return new() { Ready = true };
        }
        catch (RequestException)
        {
            return new() { Ready = false };
        }
    }

    public override Task<ServerMetadataResponse> ServerMetadata(ServerMetadataRequest request, ServerCallContext context) =>
        Task.FromResult(Messages.Of(Metadata.ServerMetadata.Own));

    public override Task<ModelReadyResponse> ModelReady(ModelReadyRequest request, ServerCallContext context)
    {
        CheckModel(request.Name, context);
        return Task.FromResult(new ModelReadyResponse { Ready = IsReady(request) });
    }

    public override async Task<ModelMetadataResponse> ModelMetadata(ModelMetadataRequest request, ServerCallContext context)
    {
        CheckModel(request.Name, context);
        using FaceLease lease = await faces.LeaseAsync(request.Name, request.Version, timeout: 0, context.CancellationToken);
        return Messages.Of(Metadata.ModelMetadata.Of(lease.Face, registry));
    }

    public override async Task<ModelConfigResponse> ModelConfig(ModelConfigRequest request, ServerCallContext context)
    {
        CheckModel(request.Name, context);
        using FaceLease lease = await faces.LeaseAsync(request.Name, request.Version, timeout: 0, context.CancellationToken);
        return new() { Config = Messages.Of(Metadata.ModelConfig.Of(lease.Face, limits.Value, serving.Get(lease.Face.Model.Name))) };
    }

    public override Task<ModelStatisticsResponse> ModelStatistics(ModelStatisticsRequest request, ServerCallContext context)
    {
        if (request.Name.Length > 0)
            CheckModel(request.Name, context);
        IEnumerable<ModelFace> asked = request.Name.Length == 0 ? faces.Served : faces.ServedAs(request.Name, request.Version);
        return Task.FromResult(new ModelStatisticsResponse { ModelStats = { asked.Select(ModelStats.Of).Select(Messages.Of) } });
    }

    public override Task<ModelInferResponse> ModelInfer(ModelInferRequest request, ServerCallContext context) =>
        inference.AnswerAsync(request, context.GetHttpContext(), context.CancellationToken);

    public override async Task ModelStreamInfer(
        IAsyncStreamReader<ModelInferRequest> requestStream, IServerStreamWriter<ModelStreamInferResponse> responseStream, ServerCallContext context)
    {
        await foreach (ModelInferRequest request in requestStream.ReadAllAsync(context.CancellationToken))
            await responseStream.WriteAsync(await StreamedAsync(request, context), context.CancellationToken);
    }

    public override Task<RepositoryIndexResponse> RepositoryIndex(RepositoryIndexRequest request, ServerCallContext context) =>
        Task.FromResult(new RepositoryIndexResponse { Models = { ModelIndex.Of(registry, request.Ready).Select(Messages.Of) } });

    public override async Task<RepositoryModelLoadResponse> RepositoryModelLoad(RepositoryModelLoadRequest request, ServerCallContext context)
    {
        CheckModel(request.ModelName, context);
        if (request.Parameters.Keys.FirstOrDefault() is { } parameter)
            throw ModelFaces.NoParameters(parameter);
        await models.LoadAsync(faces.Named(request.ModelName).Flow, version: null, context.CancellationToken);
        return new();
    }

    public override async Task<RepositoryModelUnloadResponse> RepositoryModelUnload(RepositoryModelUnloadRequest request, ServerCallContext context)
    {
        CheckModel(request.ModelName, context);
        await models.UnloadAsync(faces.Named(request.ModelName).Flow, version: null);
        return new();
    }

    /// <summary>Refuses a model that is not the caller's, as the one that an address of REST names.</summary>
    private void CheckModel(string name, ServerCallContext context) => Caller.CheckModel(context.GetHttpContext(), faces.Named(name).Flow);

    /// <summary>A model that does not exist, or a service that is still loading, is an answer to this question: no.</summary>
    private bool IsReady(ModelReadyRequest request)
    {
        try
        {
            gate.Check();
            return faces.Find(request.Name, request.Version).Serves;
        }
        catch (RequestException e) when (e.Kind == ProblemKind.UnknownModel || e.Kind == ProblemKind.UnknownVersion || e.Kind == ProblemKind.NotReady)
        {
            return false;
        }
    }

    /// <summary>A request of a stream that fails is answered in its turn, and the stream goes on.</summary>
    private async Task<ModelStreamInferResponse> StreamedAsync(ModelInferRequest request, ServerCallContext context)
    {
        try
        {
            return new() { InferResponse = await inference.AnswerAsync(request, context.GetHttpContext(), context.CancellationToken) };
        }
        catch (Exception e) when (!context.CancellationToken.IsCancellationRequested)
        {
            await pace.TurnAsync(e, context.CancellationToken);
            return new()
            {
                ErrorMessage = StatusInterceptor.StatusOf(e, context, logger).Detail,
                InferResponse = new() { ModelName = request.ModelName, ModelVersion = request.ModelVersion, Id = request.Id },
            };
        }
    }
}
