using System.Text.Json;
using FlowRows.Json;
using FlowService.Errors;
using FlowService.OpenInference.Tensors;

namespace FlowService.OpenInference.Rest;

/// <summary>The single values of a request, and what its parameters mean.</summary>
internal static class JsonArguments
{
    public static bool IsScalar(JsonTokenType token) => token is not (JsonTokenType.StartObject or JsonTokenType.StartArray);

    public static string Text(ref Utf8JsonReader reader, Property property) =>
        reader.TokenType == JsonTokenType.String ? reader.GetString()! : throw Wrong(ref reader, property, "a string");

    /// <summary>A number, exactly where it is an integer of 64 bits.</summary>
    public static Scalar Scalar(ref Utf8JsonReader reader)
    {
        if (reader.TryGetInt64(out long integer))
            return new(integer, integer);
        if (reader.TryGetUInt64(out ulong unsigned))
            return new(unsigned, unsigned);
        return Tensors.Scalar.Of(reader.TryGetDouble(out double number) ? number : double.NaN);
    }

    /// <summary>A parameter of the request, or of an input or output of it. Those that are not known here mean something to others.</summary>
    public static void TakeParameter(ref Utf8JsonReader reader, Property property, InferRequest request, InputTensor? input, RequestedOutput? output)
    {
        if (property is Property.SharedMemoryRegion && (input is not null || output is not null))
            throw new RequestException(ProblemKind.InvalidArgument, "shared memory is not served; send tensors in the body");
        if (output is not null)
            TakeOfOutput(ref reader, property, output);
        else if (input is not null && property == Property.BinaryDataSize)
            input.BinarySize = Integer(ref reader, property);
        else if (input is null)
            TakeOfRequest(ref reader, property, request);
    }

    private static void TakeOfOutput(ref Utf8JsonReader reader, Property property, RequestedOutput output)
    {
        if (property == Property.BinaryData)
            output.IsBinary = Boolean(ref reader, property);
        else if (property == Property.Classification && Integer(ref reader, property) != 0)
            throw new RequestException(ProblemKind.InvalidArgument, "classification is not served: the outputs of a flow are no classes");
    }

    private static void TakeOfRequest(ref Utf8JsonReader reader, Property property, InferRequest request)
    {
        switch (property)
        {
            case Property.BinaryDataOutput:
                request.BinaryOutputs = Boolean(ref reader, property);
                break;
            case Property.Timeout:
                request.Timeout = Integer(ref reader, property);
                break;
            case Property.Priority:
                request.Prioritise(reader.TokenType == JsonTokenType.Number && reader.TryGetUInt64(out ulong level) ? level : Integer(ref reader, property));
                break;
        }
    }

    private static bool Boolean(ref Utf8JsonReader reader, Property property) => reader.TokenType switch
    {
        JsonTokenType.True => true,
        JsonTokenType.False => false,
        _ => throw Wrong(ref reader, property, "true or false"),
    };

    private static long Integer(ref Utf8JsonReader reader, Property property) =>
        reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out long value) ? value : throw Wrong(ref reader, property, "an integer of 64 bits");

    private static RequestException Wrong(ref Utf8JsonReader reader, Property property, string expected)
    {
        string actual = reader.TokenType == JsonTokenType.Number ? "another number" : JsonWords.Describe(reader.TokenType);
        return new(ProblemKind.InvalidArgument, $"{property.Name()} must be {expected}; it is {actual}") { Field = property.Name() };
    }
}
