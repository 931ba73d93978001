using System.Globalization;
using FlowService.Models;
using FlowService.OpenInference.Faces;

namespace FlowService.OpenInference.Metadata;

/// <summary>A model's tensors.</summary>
/// <param name="Name">The name that was asked for.</param>
/// <param name="Versions">The versions that serve, the lowest first.</param>
/// <param name="Platform">What computes it: flowservice_compiled or flowservice_torch.</param>
/// <param name="Inputs">What it takes; some may be left out (see /config).</param>
/// <param name="Outputs">What it answers; a request may ask for some of them.</param>
internal sealed record ModelMetadata(string Name, string[] Versions, string Platform, TensorMetadata[] Inputs, TensorMetadata[] Outputs)
{
    public static ModelMetadata Of(ModelFace face, ModelRegistry registry) => new(
        face.Name,
        [.. registry.Versions(face.Model.Name).Where(version => version.Serves).Select(version => version.Version).Order().Select(version => version.ToString(CultureInfo.InvariantCulture))],
        PlatformOf(face.Model), Array.ConvertAll(face.Inputs, TensorMetadata.Of), Array.ConvertAll(face.Outputs, TensorMetadata.Of));

    public static string PlatformOf(ServedModel model) => $"{ServerMetadata.Own.Name}_{model.Engine.Name}";
}

/// <summary>A tensor; -1 stands for the number of rows.</summary>
internal sealed record TensorMetadata(string Name, string Datatype, long[] Shape)
{
    public static TensorMetadata Of(TensorSpec spec) => new(spec.Name, spec.Datatype.Name, spec.Shape);
}
