using FlowCore;
using FlowService.Models;
using FlowService.OpenInference.Faces;

namespace FlowService.OpenInference.Tensors;

/// <summary>The size of images that a request's tensors show by their shapes, or the input <c>size</c> says, of a model that takes several.</summary>
internal static class RequestedSize
{
    /// <summary>Holds the version at that size; null where it is the model's own.</summary>
    /// <exception cref="Exception">The model does not take it: names the nearest size that it takes.</exception>
    public static async Task<ModelLease?> LeaseAsync(InferRequest request, ModelFace face, TimeSpan timeout, CancellationToken callerGone)
    {
        if (face.Model.Sizes is null)
            return null;
        (int, int)? asked = null;
        if (request.Take(ModelFace.Size) is { } size)
            using (size)
            {
                TensorChecks.Check(size, Array.Find(face.Inputs, spec => spec.Name == ModelFace.Size)!);
                asked = (Side(size.Values!.Span[0]), Side(size.Values.Span[1]));
            }
        ShownImages? shown = (face.Kind == FaceKind.Sample ? null : Shown(request.Input(face.Inputs[0].Name), areContexts: false))
            ?? Shown(request.Input(ModelFace.Context), areContexts: true);
        return await ModelSizes.LeaseAsync(face.Model, shown, asked, timeout, callerGone);
    }

    // What is no size is refused as one that the model does not take.
    private static int Side(float value) => (int)Math.Clamp(value, 0, 1 << 24);

    // A tensor whose data are not what its shape says shows nothing, and is refused later.
    private static ShownImages? Shown(InputTensor? tensor, bool areContexts) =>
        tensor is { Shape: [_, var channels, var height, var width], Values: { } values }
        && Math.Max(channels, Math.Max(height, width)) <= int.MaxValue && TensorChecks.Elements(tensor) == values.Length
            ? new((int)channels, (int)height, (int)width, areContexts)
            : null;
}
