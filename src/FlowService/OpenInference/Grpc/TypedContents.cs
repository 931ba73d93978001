using System.Numerics;
using FlowService.Errors;
using FlowService.OpenInference.Grpc.Protocol;
using FlowService.OpenInference.Tensors;
using Google.Protobuf.Collections;

namespace FlowService.OpenInference.Grpc;

/// <summary>A tensor's elements from the list of its datatype.</summary>
internal static class TypedContents
{
    /// <exception cref="RequestException">The datatype has no list: it is sent raw.</exception>
    public static void Read(InferTensorContents? contents, Datatype datatype, InputTensor input)
    {
        if (contents is null)
            return; // it has no data, and is refused for that
        if (datatype == Datatype.Fp32)
            ReadFloats(contents.Fp32Contents, input);
        else if (datatype == Datatype.Fp64)
            ReadFloats(contents.Fp64Contents, input);
        else if (datatype == Datatype.Int64)
            ReadIntegers(contents.Int64Contents, input);
        else if (datatype == Datatype.UInt64)
            ReadIntegers(contents.Uint64Contents, input);
        else if (datatype == Datatype.Int32 || datatype == Datatype.Int16 || datatype == Datatype.Int8)
            ReadIntegers(contents.IntContents, input);
        else if (datatype.IsRawOnly)
            throw new RequestException(ProblemKind.InvalidArgument, $"{input.ShownName}: {datatype.Name} is sent in raw_input_contents only");
        else
            ReadIntegers(contents.UintContents, input);
    }

    private static void ReadFloats<T>(RepeatedField<T> elements, InputTensor input)
        where T : INumber<T>
    {
        input.Begin(elements.Count);
        foreach (T element in elements)
            input.Append(float.CreateTruncating(element), Scalar.Of(double.CreateTruncating(element)));
    }

    private static void ReadIntegers<T>(RepeatedField<T> elements, InputTensor input)
        where T : INumber<T>
    {
        input.Begin(elements.Count);
        foreach (T element in elements)
            input.Append(float.CreateTruncating(element), new(Int128.CreateTruncating(element), double.CreateTruncating(element)));
    }
}
