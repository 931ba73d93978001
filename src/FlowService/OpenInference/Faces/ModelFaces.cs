using System.Globalization;
using System.Runtime.CompilerServices;
using FlowRows;
using FlowService.Batching;
using FlowService.Errors;
using FlowService.Models;
using Microsoft.Extensions.Options;

namespace FlowService.OpenInference.Faces;

/// <summary>Finds what a name and a version of the protocol mean.</summary>
internal sealed class ModelFaces(ModelRegistry registry, ModelLifecycle models, IOptionsMonitor<BatchingOptions> batching)
{
    // Made once for each served version, and gone with it.
    private readonly ConditionalWeakTable<ServedModel, ModelFace[]> faces = [];

    /// <summary>The flow and the face that a name means; the flow need not exist.</summary>
    public (string Flow, FaceKind Kind) Named(string name) => FaceNames.Named(name, registry.Has);

    /// <summary>Holds the flow for a request; one that was evicted is loaded first. The timeout is in microseconds, 0 for the flow's own.</summary>
    /// <exception cref="RequestException">400 no version, 404 unknown, 503 not loaded, 504 not loaded in time.</exception>
    public async Task<FaceLease> LeaseAsync(string name, string? version, Int128 timeout, CancellationToken callerGone)
    {
        (string flow, FaceKind kind) = Named(name);
        TimeSpan patience = Deadline.OfMicroseconds(timeout, batching.Get(flow));
        ModelLease lease = await models.LeaseAsync(flow, Version(version), patience, callerGone);
        return new(lease, Of(lease.Model, kind));
    }

    /// <summary>The version behind a name, whatever its state.</summary>
    /// <exception cref="RequestException">400 no version, 404 unknown.</exception>
    public ModelVersion Find(string name, string? version) => registry.Get(Named(name).Flow, Version(version));

    /// <summary>Every face of every version that is in memory.</summary>
    public IEnumerable<ModelFace> Served =>
        registry.Models.SelectMany(model => model.Value.Reverse()).Select(version => version.Served).OfType<ServedModel>().SelectMany(model => FaceNames.All, Of);

    /// <summary>The versions in memory of a face, or the one that is named.</summary>
    /// <exception cref="RequestException">400 no version, 404 unknown.</exception>
    public IEnumerable<ModelFace> ServedAs(string name, string? version)
    {
        (string flow, FaceKind kind) = Named(name);
        ModelVersion[] versions = Version(version) is { } number ? [registry.Get(flow, number)] : registry.Versions(flow);
        return versions.Reverse().Select(each => each.Served).OfType<ServedModel>().Select(model => Of(model, kind));
    }

    public ModelFace Of(ServedModel model, FaceKind kind) => faces.GetValue(model, static model => [.. FaceNames.All.Select(kind => new ModelFace(model, kind))])[(int)kind];

    /// <summary>The refusal of a parameter of a load.</summary>
    public static RequestException NoParameters(string name) => new(ProblemKind.InvalidArgument,
        $"parameter '{name.Shown()}' is not served: a model is what its folder in the repository says; put a new version there, and load it");

    /// <summary>The number that a version names, or null where none is named.</summary>
    public static int? Version(string? text)
    {
        if (string.IsNullOrEmpty(text))
            return null;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int version) && version > 0
            ? version
            : throw new RequestException(ProblemKind.InvalidArgument, $"version '{text.Shown()}' is not a version: versions are the integers 1, 2, ...");
    }
}

/// <summary>A request's hold of a flow, under the face that it asked for.</summary>
internal sealed record FaceLease(ModelLease Lease, ModelFace Face) : IDisposable
{
    public void Dispose() => Lease.Dispose();
}
