using FlowRows;
using FlowService.Errors;
using FlowService.OpenInference.Faces;

namespace FlowService.OpenInference.Tensors;

/// <summary>What must hold of an input, whatever way it came.</summary>
internal static class TensorChecks
{
    /// <summary>Refuses inputs and outputs that the model does not have, that are given twice, or that are missing.</summary>
    public static void CheckNames(InferRequest request, ModelFace face)
    {
        foreach (InputTensor input in request.Inputs)
        {
            if (input.Name is null)
                throw Wrong(ProblemKind.MissingField, $"{input.ShownName} has no name");
            if (request.Input(input.Name) != input)
                throw Wrong(ProblemKind.DuplicateField, $"{input.ShownName} is given twice");
            if (!Array.Exists(face.Inputs, spec => spec.Name == input.Name))
                throw Wrong(ProblemKind.UnknownField, $"{input.ShownName} is unknown: the inputs of model '{face.Name}' are {Listed(face.Inputs)}");
        }
        foreach (TensorSpec spec in face.Inputs)
            if (!spec.IsOptional && request.Input(spec.Name) is null)
                throw Wrong(ProblemKind.MissingField, $"input '{spec.Name}' is missing: model '{face.Name}' needs it, {spec.Datatype.Name} of shape {spec.ShapeText}");
        for (int i = 0; i < request.Outputs.Count; i++)
        {
            if (request.Outputs[i].Name is not { } name)
                throw Wrong(ProblemKind.MissingField, $"outputs[{i}] has no name");
            if (request.Outputs.FindIndex(output => output.Name == name) != i)
                throw Wrong(ProblemKind.DuplicateField, $"output '{name.Shown()}' is asked for twice");
            if (!Array.Exists(face.Outputs, spec => spec.Name == name))
                throw Wrong(ProblemKind.UnsupportedInclude, $"output '{name.Shown()}' is unknown: the outputs of model '{face.Name}' are {Listed(face.Outputs)}");
        }
    }

    /// <summary>Refuses an input whose datatype, shape or data are not what the model takes.</summary>
    public static void Check(InputTensor input, TensorSpec spec)
    {
        Datatype datatype = DatatypeOf(input);
        if (!spec.Accepted.Contains(datatype))
            throw Wrong(ProblemKind.InvalidArgument, $"{input.ShownName} is {datatype.Name}; it must be {spec.Datatype.Name}{Others(spec)}");
        if (datatype.IsRawOnly && input.BinarySize is null)
            throw Wrong(ProblemKind.InvalidArgument, $"{input.ShownName}: {datatype.Name} is sent as raw bytes only");
        long elements = Elements(input);
        if (input.Values is not { } values)
            throw Wrong(ProblemKind.MissingField, $"{input.ShownName} has no data");
        if (elements != values.Length)
            throw Wrong(ProblemKind.InvalidArgument, $"{input.ShownName}: shape {TensorSpec.Text(input.Shape!)} has {elements} elements, its data have {values.Length}");
        input.CheckForm(datatype);
        if (!Fits(input.Shape!, spec))
            throw Wrong(ProblemKind.WrongWidth, $"{input.ShownName} has the shape {TensorSpec.Text(input.Shape!)}; it must be {spec.ShapeText}");
    }

    public static Datatype DatatypeOf(InputTensor input)
    {
        string name = input.Datatype ?? throw Wrong(ProblemKind.MissingField, $"{input.ShownName} has no datatype");
        return Datatype.Named(name) ?? throw Wrong(ProblemKind.InvalidArgument, $"{input.ShownName}: datatype '{name.Shown()}' is not taken here; send numbers: {string.Join(", ", Datatype.All.Select(each => each.Name))}");
    }

    /// <summary>The number of elements that the shape says.</summary>
    public static long Elements(InputTensor input)
    {
        long count = 1;
        foreach (long size in input.Shape ?? throw Wrong(ProblemKind.MissingField, $"{input.ShownName} has no shape"))
        {
            if (size < 0)
                throw Wrong(ProblemKind.InvalidArgument, $"{input.ShownName}: shape {TensorSpec.Text(input.Shape)} has a negative dimension");
            if (size > 0 && count > long.MaxValue / size)
                throw Wrong(ProblemKind.InvalidArgument, $"{input.ShownName}: shape {TensorSpec.Text(input.Shape)} has more elements than 64 bits count");
            count *= size;
        }
        return count;
    }

    /// <summary>Refuses a raw form of another size than the shape and the datatype say.</summary>
    public static void CheckSize(InputTensor input, long bytes, Datatype datatype)
    {
        Int128 expected = (Int128)Elements(input) * datatype.Size;
        if (bytes != expected)
            throw Wrong(ProblemKind.InvalidArgument, $"{input.ShownName} has {bytes} bytes of raw data; shape {TensorSpec.Text(input.Shape!)} of {datatype.Name} has {expected}");
    }

    // One number may have any number of dimensions of size 1; one value a row may be without its own dimension.
    private static bool Fits(long[] shape, TensorSpec spec) =>
        IsLike(shape, spec.Shape) || (spec.EventShape is { } image && IsLike(shape, image)) || spec.Shape switch
        {
            [1] => Array.TrueForAll(shape, size => size == 1),
            [-1, 1] => shape.Length == 1,
            _ => false,
        };

    private static bool IsLike(long[] shape, long[] pattern)
    {
        if (shape.Length != pattern.Length)
            return false;
        for (int i = 0; i < shape.Length; i++)
            if (pattern[i] != -1 && pattern[i] != shape[i])
                return false;
        return true;
    }

    private static string Others(TensorSpec spec) =>
        spec.Accepted.Length > 1 ? $" (or {string.Join(", ", spec.Accepted.Where(other => other != spec.Datatype).Select(other => other.Name))})" : "";

    private static string Listed(TensorSpec[] tensors) => string.Join(", ", tensors.Select(tensor => tensor.Name));

    private static RequestException Wrong(ProblemKind kind, string detail) => new(kind, detail);
}
