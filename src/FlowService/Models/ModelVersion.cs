using System.Text.Json.Serialization;

namespace FlowService.Models;

/// <summary>How far a version of a model is on its way.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ModelState>))]
internal enum ModelState
{
    [JsonStringEnumMemberName("loading")]
    Loading,

    [JsonStringEnumMemberName("ready")]
    Ready,

    [JsonStringEnumMemberName("failed")]
    Failed,

    /// <summary>An administrator has unloaded it.</summary>
    [JsonStringEnumMemberName("unloaded")]
    Unloaded,

    /// <summary>Not in memory: the first request loads it.</summary>
    [JsonStringEnumMemberName("on_demand")]
    OnDemand,
}

/// <summary>One version of a model as the registry knows it: loading, served, unloaded, or failed with a reason.</summary>
internal sealed record ModelVersion(string Name, int Version, ModelState State, ServedModel? Served = null, string? Reason = null)
{
    /// <summary>Whether a request for it is answered, be it after a load.</summary>
    public bool Serves => State is ModelState.Ready or ModelState.OnDemand;

    public static ModelVersion Ready(ServedModel model) => new(model.Name, model.Version, ModelState.Ready, Served: model);

    public static ModelVersion Loading(ModelFolder folder) => new(folder.Name, folder.Version, ModelState.Loading);

    public static ModelVersion Unloaded(string name, int version) => new(name, version, ModelState.Unloaded);

    public static ModelVersion OnDemand(string name, int version) => new(name, version, ModelState.OnDemand);

    public static ModelVersion Failed(ModelFolder folder, string reason) => new(folder.Name, folder.Version, ModelState.Failed, Reason: reason);
}
