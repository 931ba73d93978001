using System.Text.Json;
using FlowCore;
using FlowCore.Checkpoints;
using FlowRows;
using FlowService.Errors;
using FlowService.Models;
using FlowService.OpenApi;
using FlowService.Security;
using FlowService.Shadow;
using Microsoft.AspNetCore.Http.HttpResults;

namespace FlowService.Endpoints;

/// <summary>The models of the repository.</summary>
internal sealed record ModelList(ModelSummary[] Models);

/// <summary>A model in short.</summary>
/// <param name="Name">The name that requests use.</param>
/// <param name="Version">The version that serves where a request names none.</param>
/// <param name="State">Of that version: loading, ready, failed, unloaded or on_demand.</param>
/// <param name="Reason">Why it could not be loaded; with state ready: why its newer files could not.</param>
/// <param name="EventShape">The shape of one datum; a row is its flat form.</param>
/// <param name="Versions">All versions, the highest first.</param>
internal sealed record ModelSummary(string Name, int Version, ModelState State, string? Reason, int[]? EventShape, VersionSummary[] Versions);

/// <summary>One version and its state.</summary>
internal sealed record VersionSummary(int Version, ModelState State, string? Reason);

/// <summary>One version of a model in full.</summary>
/// <param name="Name">The name that requests use.</param>
/// <param name="Version">The version described here.</param>
/// <param name="State">loading, ready, failed, unloaded (by an administrator) or on_demand (the first request loads it).</param>
/// <param name="Reason">Why it could not be loaded; with state ready: why its newer files could not.</param>
/// <param name="Versions">All versions, the highest first.</param>
/// <param name="Engine">What computes it: compiled, gpu or torch.</param>
/// <param name="EngineReason">Why it is torch.</param>
/// <param name="Device">Where: cpu, cuda:0, ...</param>
/// <param name="EventShape">The shape of one datum; a row is its flat form.</param>
/// <param name="Sizes">Other sizes of images that it takes; left out where it takes one alone.</param>
/// <param name="Width">The number of values in a row.</param>
/// <param name="Features">The names of the columns, in order.</param>
/// <param name="Context">What the model is conditioned on.</param>
/// <param name="Provenance">Where it came from.</param>
/// <param name="Calibration">What p-values rest on; left out where the model was not calibrated.</param>
/// <param name="SelfTest">How float32 compared with float64 when the model was loaded.</param>
/// <param name="WeightBytes">The bytes of its weights.</param>
/// <param name="Spec">The checkpoint's flow.json.</param>
/// <param name="Shadow">The version that is compared with another one; left out where none is.</param>
internal sealed record ModelDetails(
    string Name, int Version, ModelState State, string? Reason, VersionSummary[] Versions, string? Engine = null, string? EngineReason = null, string? Device = null,
    int[]? EventShape = null, SizeFacts? Sizes = null, int? Width = null, string[]? Features = null, ContextSpec? Context = null, Provenance? Provenance = null,
    CalibrationFacts? Calibration = null, SelfTestFigures? SelfTest = null, long? WeightBytes = null, JsonElement? Spec = null, int? Shadow = null);

/// <summary>The sizes of images that a model takes, as a PNG or a NumPy array shows them.</summary>
/// <param name="MultipleOf">What height and width are multiples of.</param>
/// <param name="MostPixels">The most pixels of an image.</param>
internal sealed record SizeFacts(int[] MultipleOf, int MostPixels);

/// <summary>A model card.</summary>
/// <param name="Model">The model.</param>
/// <param name="Version">Its version.</param>
/// <param name="Card">The text, in Markdown.</param>
internal sealed record ModelCard(string Model, int Version, string Card);

/// <summary>What p-values rest on.</summary>
/// <param name="Rows">The number of calibration rows.</param>
/// <param name="PMin">The least p-value that there can be.</param>
/// <param name="ReferenceRows">The rows from which an attribution draws.</param>
internal sealed record CalibrationFacts(int Rows, double PMin, int ReferenceRows);

internal static class ModelEndpoints
{
    public static void MapModels(this RouteGroupBuilder group)
    {
        group.MapGet("/models", List)
            .WithName("listModels")
            .WithTags("Models")
            .WithSummary("What is loaded")
            .WithDescription("Every model of the repository with its versions. A version that could not be loaded is listed with the reason.")
            .WithErrors(503);
        group.MapGet("/models/{name}", Get)
            .WithName("getModel")
            .WithTags("Models")
            .WithSummary("One model in full")
            .WithDescription("Shape, features, context, device, provenance and self-test figures of the version that serves, or of `?version=`.")
            .WithParameterExample("name", "two-moons")
            .WithErrors(400, 404, 503);
        group.MapGet("/models/{name}/card", Card)
            .WithName("modelCard")
            .WithTags("Models")
            .WithSummary("The model card")
            .WithDescription("The README.md beside the weights of the version that serves, or of `?version=`: Markdown, as `flow train` wrote it. 404 where there is none.")
            .WithParameterExample("name", "two-moons")
            .WithErrors(400, 401, 403, 404, 503);
        group.MapPost("/models/{name}/load", Load)
            .WithName("loadModel")
            .For(Scopes.Admin)
            .AddEndpointFilter(new NoOtherArguments("version"))
            .WithTags("Models")
            .WithSummary("Load a model from disk")
            .WithDescription("For administrators. Reads the model's folder, or that of `?version=`, again while the old version serves, then swaps them. No request "
                + "fails meanwhile. If loading fails, the old version goes on serving, and the answer says why.")
            .WithParameterExample("name", "two-moons")
            .WithErrors(400, 401, 403, 404, 422, 503);
        group.MapPost("/models/{name}/unload", Unload)
            .WithName("unloadModel")
            .For(Scopes.Admin)
            .AddEndpointFilter(new NoOtherArguments("version"))
            .WithTags("Models")
            .WithSummary("Unload a model")
            .WithDescription("For administrators. Takes no new requests for the model, or for `?version=`, finishes those it has, and answers once its memory is free. "
                + "It stays unloaded until a call loads it or the service restarts.")
            .WithParameterExample("name", "two-moons")
            .WithErrors(400, 401, 403, 404, 422, 503);
    }

    private static Ok<ModelList> List(ModelRegistry registry) =>
        TypedResults.Ok(new ModelList([.. registry.Models.Select(model => Summary(registry.Get(model.Key, null), model.Value))]));

    private static Ok<ModelDetails> Get(string name, int? version, ModelRegistry registry, ShadowJudge judge) =>
        TypedResults.Ok(Details(registry.Get(name, version), registry.Versions(name)) with { Shadow = judge.Compared(name) });

    private static Ok<ModelCard> Card(string name, int? version, ModelRegistry registry) => registry.Get(name, version).Served is { Card: { } card } model
        ? TypedResults.Ok(new ModelCard(model.Name, model.Version, card))
        : throw new RequestException(ProblemKind.NotFound, $"model '{name.Shown()}' has no card that could be shown: it is not loaded, or there is no README.md in its folder");

    private static async Task<Ok<ModelDetails>> Load(string name, int? version, ModelLifecycle models, ModelRegistry registry, HttpContext http) =>
        TypedResults.Ok(Details(await models.LoadAsync(name, version, http.RequestAborted), registry.Versions(name)));

    private static async Task<Ok<ModelDetails>> Unload(string name, int? version, ModelLifecycle models, ModelRegistry registry)
    {
        await models.UnloadAsync(name, version);
        return TypedResults.Ok(Details(registry.Get(name, version), registry.Versions(name)));
    }

    private static ModelSummary Summary(ModelVersion serving, ModelVersion[] versions) =>
        new(serving.Name, serving.Version, serving.State, serving.Reason, serving.Served?.Spec.EventShape, Summaries(versions));

    private static ModelDetails Details(ModelVersion version, ModelVersion[] versions)
    {
        var details = new ModelDetails(version.Name, version.Version, version.State, version.Reason, Summaries(versions));
        if (version.Served is not { } model)
            return details;
        return details with
        {
            Engine = model.Engine.Name,
            EngineReason = model.Engine.Reason,
            Device = model.Engine.Device,
            EventShape = model.Spec.EventShape,
            Sizes = model.Sizes is { } sizes ? new(sizes.MultipleOf, sizes.MostPixels) : null,
            Width = model.Width,
            Features = model.Spec.Features,
            Context = model.Spec.Context,
            Provenance = model.Spec.Provenance,
            Calibration = model.Calibration is { } calibration ? new(calibration.Count, calibration.LogProb.LeastPValue, calibration.Reference.Count) : null,
            SelfTest = model.SelfTest,
            WeightBytes = model.WeightBytes,
            Spec = SpecJson.ToElement(model.Spec),
        };
    }

    private static VersionSummary[] Summaries(ModelVersion[] versions) =>
        [.. versions.Select(each => new VersionSummary(each.Version, each.State, each.Reason))];
}
