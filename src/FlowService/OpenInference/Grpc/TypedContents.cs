using System.Numerics;
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
        else
            ReadIntegers(contents.UintContents, input);
    }

    private static void ReadFloats<T>(RepeatedField<T> elements, InputTensor input)
        where T : IFloatingPointIeee754<T>
    {
        input.Begin(elements.Count);
        foreach (T element in elements)
            if (float.CreateTruncating(element) is var value && float.IsFinite(value))
                input.Append(value, Scalar.Of(double.CreateTruncating(element)));
            else
                input.AppendFault(Problem(element));
    }

    // In the words for the same number in JSON.
    private static string Problem<T>(T element)
        where T : IFloatingPointIeee754<T> =>
        T.IsFinite(element) ? "is too large for a 32-bit float" : T.IsNaN(element) ? "is NaN" : T.IsNegative(element) ? "is -Infinity" : "is Infinity";

    private static void ReadIntegers<T>(RepeatedField<T> elements, InputTensor input)
        where T : INumber<T>
    {
        input.Begin(elements.Count);
        foreach (T element in elements)
            input.Append(float.CreateTruncating(element), new(Int128.CreateTruncating(element), double.CreateTruncating(element)));
    }
}
