using FlowService.Security;
using Grpc.AspNetCore.Server;

namespace FlowService.OpenInference.Grpc;

/// <summary>The scope that each call needs: as the same call by HTTP.</summary>
internal static class CallScopes
{
    private static readonly string[] Open = [nameof(InferenceService.ServerLive), nameof(InferenceService.ServerReady), nameof(InferenceService.ServerMetadata)];

    private static readonly string[] Administration = [nameof(InferenceService.RepositoryModelLoad), nameof(InferenceService.RepositoryModelUnload)];

    public static GrpcServiceEndpointConventionBuilder NeedScopes(this GrpcServiceEndpointConventionBuilder service)
    {
        service.Add(endpoint =>
        {
            string? call = endpoint.Metadata.OfType<GrpcMethodMetadata>().LastOrDefault()?.Method.Name;
            if (Array.IndexOf(Open, call) < 0)
                endpoint.Metadata.Add(new ScopeMetadata(Array.IndexOf(Administration, call) < 0 ? Scopes.Infer : Scopes.Admin));
        });
        return service;
    }
}
