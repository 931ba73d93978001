using FlowService.Limits;
using FlowService.Models;
using FlowService.OpenApi;
using FlowService.OpenInference.Faces;
using FlowService.OpenInference.Metadata;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace FlowService.OpenInference.Rest;

/// <summary>A model serves.</summary>
/// <param name="Name">The name that was asked for.</param>
/// <param name="Ready">True: else the answer is an error.</param>
internal sealed record ModelReady(string Name, bool Ready);

/// <summary>What a model is, under one of its three names; of the version that serves, or of the one that the address names.</summary>
internal static class FaceEndpoints
{
    private const string Version = "version";

    public static void MapFaces(this RouteGroupBuilder group)
    {
        group.MapVersioned(HttpMethods.Get, "", Metadata).Describe<ModelMetadata>("modelMetadata", "A model's inputs and outputs",
            "A flow NAME is three models: NAME (x to log_prob, z, log_det), NAME.sample and NAME.decode. -1 stands for the number of rows.", 400, 404, 503);
        group.MapVersioned(HttpMethods.Get, "/ready", Ready).Describe<ModelReady>("modelReady", "Does a model serve?", "200 where it does.", 400, 404, 503);
        group.MapVersioned(HttpMethods.Get, "/config", Config).Describe<ModelConfig>("modelConfig", "A model's configuration",
            "In Triton's form: datatypes, shapes without the rows, which inputs are optional, how requests are batched.", 400, 404, 503);
    }

    /// <summary>The same handler with and without a version in the address; the page shows the shorter one.</summary>
    public static RouteHandlerBuilder MapVersioned(this RouteGroupBuilder group, string method, string path, Delegate handler, params object[] metadata)
    {
        group.MapMethods($"/models/{{name}}/versions/{{{Version}}}{path}", [method], handler).WithMetadata(metadata).ExcludeFromDescription();
        return group.MapMethods($"/models/{{name}}{path}", [method], handler).WithMetadata(metadata).WithParameterExample("name", "two-moons");
    }

    /// <summary>The version that the address names, or null.</summary>
    public static string? VersionOf(HttpContext http) => http.Request.RouteValues[Version] as string;

    private static async Task<JsonHttpResult<ModelMetadata>> Metadata(string name, HttpContext http, ModelFaces faces, ModelRegistry registry)
    {
        using FaceLease lease = await faces.LeaseAsync(name, VersionOf(http), timeout: 0, http.RequestAborted);
        return JsonBody.Of(ModelMetadata.Of(lease.Face, registry));
    }

    private static JsonHttpResult<ModelReady> Ready(string name, HttpContext http, ModelFaces faces)
    {
        ModelVersion found = faces.Find(name, VersionOf(http));
        return found.Serves ? JsonBody.Of(new ModelReady(name, true)) : throw ModelLifecycle.Refusal(found);
    }

    private static async Task<JsonHttpResult<ModelConfig>> Config(
        string name, HttpContext http, ModelFaces faces, IOptions<LimitsOptions> limits, IOptionsMonitor<ServingOptions> serving)
    {
        using FaceLease lease = await faces.LeaseAsync(name, VersionOf(http), timeout: 0, http.RequestAborted);
        return JsonBody.Of(ModelConfig.Of(lease.Face, limits.Value, serving.Get(lease.Face.Model.Name)));
    }
}
