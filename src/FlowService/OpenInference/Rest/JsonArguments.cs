using System.Text.Json;
using FlowRows.Json;
using FlowService.Errors;
using FlowService.OpenInference.Tensors;

namespace FlowService.OpenInference.Rest;

/// <summary>The single values of a request, and the parameters that are REST's own: those of tensors that follow the JSON part.</summary>
internal static class JsonArguments
{
    public static bool IsScalar(JsonTokenType token) => token is not (JsonTokenType.StartObject or JsonTokenType.StartArray);

    public static string Text(ref Utf8JsonReader reader, Property property) =>
        reader.TokenType == JsonTokenType.String
            ? reader.GetString()!
            : throw new RequestException(ProblemKind.InvalidArgument, $"{property.Name()} must be a string; it is {JsonWords.Describe(reader.TokenType)}") { Field = property.Name() };

    /// <summary>A number, exactly where it is an integer of 64 bits.</summary>
    public static Scalar Scalar(ref Utf8JsonReader reader) =>
        Integer(ref reader) is { } integer ? new(integer, (double)integer) : Tensors.Scalar.Of(reader.TryGetDouble(out double number) ? number : double.NaN);

    public static void TakeOfRequest(ref Utf8JsonReader reader, string name, InferRequest request)
    {
        ParameterValue value = Value(ref reader);
        if (name == "binary_data_output")
            request.BinaryOutputs = value.FlagOf(name);
        else
            InferParameters.TakeOfRequest(name, value, request);
    }

    public static void TakeOfInput(ref Utf8JsonReader reader, string name, InputTensor input)
    {
        if (name == "binary_data_size")
            input.BinarySize = (long)Int128.Min(Value(ref reader).IntegerOf(name), long.MaxValue);
        else
            InferParameters.TakeOfInput(name);
    }

    public static void TakeOfOutput(ref Utf8JsonReader reader, string name, RequestedOutput output)
    {
        ParameterValue value = Value(ref reader);
        if (name == "binary_data")
            output.IsBinary = value.FlagOf(name);
        else
            InferParameters.TakeOfOutput(name, value);
    }

    private static ParameterValue Value(ref Utf8JsonReader reader) => reader.TokenType switch
    {
        JsonTokenType.String => new(Text: reader.GetString()),
        JsonTokenType.True or JsonTokenType.False => new(Flag: reader.GetBoolean()),
        JsonTokenType.Number when Integer(ref reader) is { } integer => new(Integer: integer),
        JsonTokenType.Number => new(Number: reader.TryGetDouble(out double number) ? number : double.NaN),
        _ => default,
    };

    private static Int128? Integer(ref Utf8JsonReader reader)
    {
        if (reader.TryGetInt64(out long integer))
            return integer;
        return reader.TryGetUInt64(out ulong unsigned) ? unsigned : null;
    }
}
