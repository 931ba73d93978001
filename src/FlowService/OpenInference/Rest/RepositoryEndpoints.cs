using System.Text.Json;
using FlowService.Models;
using FlowService.OpenApi;
using FlowService.OpenInference.Faces;
using FlowService.OpenInference.Metadata;
using FlowService.Security;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FlowService.OpenInference.Rest;

/// <summary>Which models the index shall list.</summary>
/// <param name="Ready">Only those that serve.</param>
internal sealed record IndexBody(bool? Ready);

/// <summary>How a model shall be loaded.</summary>
/// <param name="Parameters">Nothing that is served: a model is what its folder says.</param>
internal sealed record LoadBody(Dictionary<string, JsonElement>? Parameters);

/// <summary>A model was loaded.</summary>
internal sealed record ModelLoaded(string Name, bool Load);

/// <summary>A model was unloaded.</summary>
internal sealed record ModelUnloaded(string Name, bool Unload);

internal static class RepositoryEndpoints
{
    public static void MapRepository(this RouteGroupBuilder group)
    {
        group.MapPost("/repository/index", Index).Describe<ModelIndex[]>("repositoryIndex", "What the repository holds",
            "Every version of every model, under its three names, with its state; with `ready: true` those that serve.", 400, 503)
            .WithMetadata(new BodyMetadata(typeof(IndexBody), IsRequired: false)).WithExample("""{ "ready": true }""", null);
        group.MapPost("/repository/models/{name}/load", Load).For(Scopes.Admin).WithParameterExample("name", "two-moons")
            .Describe<ModelLoaded>("repositoryModelLoad", "Load a model, or what has changed of it", "For administrators. All three names of a flow are loaded and unloaded together.", 400, 401, 403, 404, 503);
        group.MapPost("/repository/models/{name}/unload", Unload).For(Scopes.Admin).WithParameterExample("name", "two-moons")
            .Describe<ModelUnloaded>("repositoryModelUnload", "Unload a model", "For administrators. Requests that the model has are answered first.", 401, 403, 404, 503);
    }

    private static async Task<JsonHttpResult<ModelIndex[]>> Index(HttpContext http, ModelRegistry registry, SmallBody body) =>
        JsonBody.Of(ModelIndex.Of(registry, isReady: (await body.ReadAsync<IndexBody>(http.Request))?.Ready == true));

    private static async Task<JsonHttpResult<ModelLoaded>> Load(string name, HttpContext http, ModelFaces faces, ModelLifecycle models, SmallBody body)
    {
        if ((await body.ReadAsync<LoadBody>(http.Request))?.Parameters is { Count: > 0 } parameters)
            throw ModelFaces.NoParameters(parameters.Keys.First());
        await models.LoadAsync(faces.Named(name).Flow, version: null, http.RequestAborted);
        return JsonBody.Of(new ModelLoaded(name, true));
    }

    private static async Task<JsonHttpResult<ModelUnloaded>> Unload(string name, ModelFaces faces, ModelLifecycle models)
    {
        await models.UnloadAsync(faces.Named(name).Flow, version: null);
        return JsonBody.Of(new ModelUnloaded(name, true));
    }
}
