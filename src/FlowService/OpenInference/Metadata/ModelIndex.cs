using System.Globalization;
using FlowService.Models;
using FlowService.OpenInference.Faces;

namespace FlowService.OpenInference.Metadata;

/// <summary>A version of a model as the repository's index lists it.</summary>
/// <param name="Name">The model's name.</param>
/// <param name="Version">Its version.</param>
/// <param name="State">READY, LOADING or UNAVAILABLE.</param>
/// <param name="Reason">Why it is not available.</param>
internal sealed record ModelIndex(string Name, string Version, string State, string Reason)
{
    /// <summary>Every version of every model, under its three names. <paramref name="isReady"/>: only those that serve.</summary>
    public static ModelIndex[] Of(ModelRegistry registry, bool isReady) =>
    [
        .. registry.Models.SelectMany(model => FaceNames.All.SelectMany(face => model.Value.Reverse()
            .Where(version => version.Serves || !isReady)
            .Select(version => new ModelIndex(
                face.NameOf(version.Name), version.Version.ToString(CultureInfo.InvariantCulture), StateOf(version), ReasonOf(version))))),
    ];

    private static string StateOf(ModelVersion version) => version.Serves ? "READY" : version.State == ModelState.Loading ? "LOADING" : "UNAVAILABLE";

    private static string ReasonOf(ModelVersion version) => version.Reason ?? (version.State == ModelState.Unloaded ? "unloaded" : "");
}
