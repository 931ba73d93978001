using System.Numerics;
using FlowService.Errors;
using FlowService.OpenInference.Grpc.Protocol;
using FlowService.OpenInference.Tensors;
using Google.Protobuf.Collections;

namespace FlowService.OpenInference.Grpc;

/// <summary>A tensor's elements from the list of its datatype.</summary>
internal static class TypedContents
{
    public static void Read(InferTensorContents? contents, Datatype datatype, InputTensor input)
    {
        if (contents is null || datatype.IsRawOnly)
            return; // it has no data, and is refused for that
        string list = ReadList(contents, datatype, input);
        if (Elements(contents) != input.Values!.Length)
            throw new RequestException(
                ProblemKind.InvalidArgument,
                $"{input.ShownName}: its datatype is {datatype.Name}, whose elements stand in {list}_contents alone; other contents hold some")
            { Field = input.Name };
    }

    private static int Elements(InferTensorContents contents) => contents.BoolContents.Count + contents.IntContents.Count
        + contents.Int64Contents.Count + contents.UintContents.Count + contents.Uint64Contents.Count
        + contents.Fp32Contents.Count + contents.Fp64Contents.Count + contents.BytesContents.Count;

    // And says which list that is.
    private static string ReadList(InferTensorContents contents, Datatype datatype, InputTensor input)
    {
        if (datatype == Datatype.Fp32)
            return ReadFloats("fp32", contents.Fp32Contents, input);
        if (datatype == Datatype.Fp64)
            return ReadFloats("fp64", contents.Fp64Contents, input);
        if (datatype == Datatype.Int64)
            return ReadIntegers("int64", contents.Int64Contents, input);
        if (datatype == Datatype.UInt64)
            return ReadIntegers("uint64", contents.Uint64Contents, input);
        return datatype == Datatype.Int32 || datatype == Datatype.Int16 || datatype == Datatype.Int8
            ? ReadIntegers("int", contents.IntContents, input)
            : ReadIntegers("uint", contents.UintContents, input);
    }

    private static string ReadFloats<T>(string list, RepeatedField<T> elements, InputTensor input)
        where T : IFloatingPointIeee754<T>
    {
        input.Begin(elements.Count);
        foreach (T element in elements)
            if (float.CreateTruncating(element) is var value && float.IsFinite(value))
                input.Append(value, Scalar.Of(double.CreateTruncating(element)));
            else
                input.AppendFault(Problem(element));
        return list;
    }

    // In the words for the same number in JSON.
    private static string Problem<T>(T element)
        where T : IFloatingPointIeee754<T> =>
        T.IsFinite(element) ? "is too large for a 32-bit float" : T.IsNaN(element) ? "is NaN" : T.IsNegative(element) ? "is -Infinity" : "is Infinity";

    private static string ReadIntegers<T>(string list, RepeatedField<T> elements, InputTensor input)
        where T : INumber<T>
    {
        input.Begin(elements.Count);
        foreach (T element in elements)
            input.Append(float.CreateTruncating(element), new(Int128.CreateTruncating(element), double.CreateTruncating(element)));
        return list;
    }
}
