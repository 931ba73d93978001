using System.Buffers;
using FlowRows.Buffers;
using FlowService.Errors;
using FlowService.Limits;
using FlowService.OpenInference.Faces;
using FlowService.OpenInference.Tensors;

namespace FlowService.OpenInference.Rest;

/// <summary>The raw tensors behind the JSON part, in the order of the inputs, in pieces as they arrive.</summary>
internal sealed class RawTensors(InferRequest request)
{
    private readonly List<(InputTensor Input, Datatype Datatype)> tensors = [];
    private int current;
    private long left; // of the current one, in bytes
    private TensorSpec? whole;

    /// <summary>A body that is the only input of a model and nothing else; how many rows it holds, its length tells.</summary>
    public static RawTensors Whole(InferRequest request, ModelFace face, LimitsOptions limits, RowPool pool)
    {
        if (face.Inputs is not [var only])
            throw Wrong($"a body of raw bytes alone ({InferRequestReader.HeaderLength}: 0) is for models with one input; model '{face.Name}' has {face.Inputs.Length}");
        var input = new InputTensor(0, limits, pool) { Name = only.Name, Datatype = only.Datatype.Name };
        request.Inputs.Add(input);
        request.BinaryOutputs = true;
        input.Begin();
        var raw = new RawTensors(request) { whole = only, left = long.MaxValue };
        raw.tensors.Add((input, only.Datatype));
        return raw;
    }

    /// <summary>The JSON part has ended: which inputs follow is known.</summary>
    public void Begin(bool mayFollow)
    {
        foreach (InputTensor input in request.Inputs)
        {
            if (input.BinarySize is not { } size)
                continue;
            if (!mayFollow)
                throw Wrong($"{input.ShownName} has binary_data_size, but the header {InferRequestReader.HeaderLength}, the length of the JSON part, is missing");
            if (input.Values is not null)
                throw Wrong($"{input.ShownName} has both data and binary_data_size");
            Datatype datatype = TensorChecks.DatatypeOf(input);
            TensorChecks.CheckSize(input, size, datatype);
            input.Begin();
            tensors.Add((input, datatype));
        }
        if (tensors.Count > 0)
            left = tensors[0].Input.BinarySize!.Value;
    }

    /// <summary>Takes the whole elements of a piece, and says where the next piece must begin.</summary>
    public SequencePosition Take(in ReadOnlySequence<byte> piece)
    {
        ReadOnlySequence<byte> rest = piece;
        while (rest.Length > 0 && Next())
        {
            (InputTensor input, Datatype datatype) = tensors[current];
            long most = Math.Min(left, rest.Length);
            ReadOnlySpan<byte> first = rest.FirstSpan[..(int)Math.Min(most, rest.FirstSpan.Length)];
            if (first.Length < datatype.Size && most >= datatype.Size)
                first = rest.Slice(0, datatype.Size).ToArray(); // an element that lies in two parts of memory
            int taken = first.Length / datatype.Size * datatype.Size;
            if (taken == 0)
                break;
            input.Append(first[..taken], datatype);
            left -= taken;
            rest = rest.Slice(taken);
        }
        if (current == tensors.Count && rest.Length > 0)
            throw Wrong("the body goes on behind its last tensor");
        return rest.Start;
    }

    /// <summary>The body has ended: all tensors must have their bytes.</summary>
    public void End(long rest)
    {
        if (whole is not null)
            EndWhole(tensors[0].Input, whole, rest);
        else if (Next())
            throw Wrong($"the body ends {left - rest} bytes before the end of {tensors[current].Input.ShownName}");
    }

    private static void EndWhole(InputTensor input, TensorSpec spec, long rest)
    {
        long width = spec.Shape[^1];
        if (rest > 0 || input.Values!.Length % width != 0)
            throw Wrong($"the body of {input.Values!.Length * (long)spec.Datatype.Size + rest} bytes is not whole rows of {width} elements of {spec.Datatype.Name}");
        input.Shape = [input.Values.Length / width, width];
    }

    private bool Next()
    {
        while (current < tensors.Count && left == 0)
            left = ++current < tensors.Count ? tensors[current].Input.BinarySize!.Value : 0;
        return current < tensors.Count;
    }

    private static RequestException Wrong(string detail) => new(ProblemKind.InvalidArgument, detail);
}
