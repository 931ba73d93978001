using FlowRows.Buffers;
using FlowService.Batching;
using FlowService.Models;
using FlowService.OpenInference.Faces;

namespace FlowService.OpenInference.Tensors;

/// <summary>
/// The outputs that were asked for, in the order in which they were. The buffers are the work item's, which it owns; and so is the
/// lease of the model at another size than its own, where there is one.
/// </summary>
internal sealed class InferAnswer(InferRequest request, ModelFace face, WorkItem work, ModelLease? lease) : IDisposable
{
    public ModelFace Face => face;

    public string? Id => request.Id;

    /// <summary>The seed that samples were drawn with; null where nothing was drawn.</summary>
    public ulong? Seed => face.Kind == FaceKind.Sample ? work.Input.Seed : null;

    public OutputTensor[] Outputs { get; } = request.Outputs.Count == 0
        ? Array.ConvertAll(face.Outputs, spec => Output(spec, work, request.BinaryOutputs))
        : [.. request.Outputs.Select(asked => Output(Array.Find(face.Outputs, spec => spec.Name == asked.Name)!, work, asked.IsBinary ?? request.BinaryOutputs))];

    public void Dispose()
    {
        work.Dispose();
        lease?.Dispose();
    }

    private static OutputTensor Output(TensorSpec spec, WorkItem work, bool isBinary)
    {
        WorkResults results = work.Results;
        RowBuffer<float> values = spec.Name switch
        {
            ModelFace.LogProb => results.LogProb,
            ModelFace.LogDet => results.LogDet,
            ModelFace.LogQ => results.LogQ!,
            _ => results.Values,
        };
        return new(spec, values, work.Input.Count, isBinary);
    }
}

/// <summary>One output: 32-bit floats in rows, as raw bytes or not.</summary>
internal sealed record OutputTensor(TensorSpec Spec, RowBuffer<float> Values, int Rows, bool IsBinary)
{
    public string Name => Spec.Name;

    public int Bytes => checked(Values.Length * sizeof(float));

    /// <summary>The number of dimensions is the announced one: rows, or rows and features.</summary>
    public long Dimension(int index) => index == 0 ? Rows : Spec.Shape[index];
}
