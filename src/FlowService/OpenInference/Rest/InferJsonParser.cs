using System.Buffers;
using System.Text.Json;
using FlowRows.Buffers;
using FlowRows.Json;
using FlowService.Errors;
using FlowService.Limits;
using FlowService.OpenInference.Tensors;

namespace FlowService.OpenInference.Rest;

/// <summary>
/// The JSON part of a request, in pieces as they arrive, to an <see cref="InferRequest"/>. Properties may come in any order, data
/// nested or flat; a number or a string may be cut between two pieces.
/// </summary>
internal sealed class InferJsonParser(InferRequest request, LimitsOptions limits, RowPool pool) : JsonPieceParser(MaxDepth)
{
    private const int MaxDepth = 64, MostTensors = 64;

    // A guess at the size of a tensor's buffer, which then need not grow: few write numbers shorter than this.
    private const int BytesANumber = 8;

    private Place place = Place.Start, owner;
    private Property property;
    private string parameter = "";
    private List<long> shape = [];
    private int endDepth = -1; // of what is skipped, or of data
    private bool hasInputs, hasOutputs;

    private enum Place
    {
        Start,
        Request,
        Inputs,
        Input,
        Shape,
        Data,
        Outputs,
        Output,
        Parameters,
        Skipped,
        End,
    }

    // Those that the parser is in.
    private InputTensor Input => request.Inputs[^1];

    private RequestedOutput Output => request.Outputs[^1];

    protected override bool TakeToken(ref Utf8JsonReader reader)
    {
        TakeInPlace(ref reader);
        return place == Place.Data && reader.TokenType == JsonTokenType.Number;
    }

    protected override int TakeRun(ReadOnlySpan<byte> bytes)
    {
        int taken = JsonRowsScanner.Run(bytes, Input.Free, out int count);
        Input.Values!.Advance(count);
        return count > 0 ? taken : 0;
    }

    protected override RequestException? NonFinite(in ReadOnlySequence<byte> rest) =>
        place == Place.Data && JsonFault.NonFiniteLiteral(rest) is { } literal ? Input.Invalid(Input.Values!.Length, $"is {literal}") : null;

    private void TakeInPlace(ref Utf8JsonReader reader)
    {
        switch (place)
        {
            case Place.Start when reader.TokenType == JsonTokenType.StartObject:
                place = Place.Request;
                break;
            case Place.Start:
                throw new RequestException(ProblemKind.InvalidJson, $"the body must be a JSON object with inputs; it is {JsonWords.Describe(reader.TokenType)}");
            case Place.Skipped when reader.CurrentDepth == endDepth:
                place = owner;
                break;
            case Place.Skipped:
                break;
            case Place.Data:
                TakeData(ref reader);
                break;
            case Place.Shape:
                TakeSize(ref reader);
                break;
            case Place.Inputs or Place.Outputs:
                TakeTensor(ref reader);
                break;
            default:
                TakeProperty(ref reader);
                break;
        }
    }

    private void TakeProperty(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.PropertyName && place == Place.Parameters)
            parameter = reader.GetString()!;
        else if (reader.TokenType == JsonTokenType.PropertyName)
            property = Properties.Named(ref reader);
        else if (reader.TokenType == JsonTokenType.EndObject)
            place = place switch { Place.Input => Place.Inputs, Place.Output => Place.Outputs, Place.Parameters => owner, _ => Place.End };
        else if (place == Place.Request)
            TakeOfRequest(ref reader);
        else if (place == Place.Input)
            TakeOfInput(ref reader);
        else if (place == Place.Output && property == Property.Name)
            Output.Name = JsonArguments.Text(ref reader, property);
        else if (place == Place.Output && property == Property.Parameters)
            BeginParameters(ref reader);
        else if (place == Place.Parameters && JsonArguments.IsScalar(reader.TokenType))
            TakeParameter(ref reader);
        else
            Skip(ref reader);
    }

    private void TakeParameter(ref Utf8JsonReader reader)
    {
        if (owner == Place.Input)
            JsonArguments.TakeOfInput(ref reader, parameter, Input);
        else if (owner == Place.Output)
            JsonArguments.TakeOfOutput(ref reader, parameter, Output);
        else
            JsonArguments.TakeOfRequest(ref reader, parameter, request);
    }

    private void TakeOfRequest(ref Utf8JsonReader reader)
    {
        if (property == Property.Id && reader.TokenType != JsonTokenType.Null)
            request.Id = JsonArguments.Text(ref reader, property);
        else if (property == Property.Parameters)
            BeginParameters(ref reader);
        else if (property == Property.Inputs)
            BeginTensors(ref reader, Place.Inputs, ref hasInputs);
        else if (property == Property.Outputs && reader.TokenType != JsonTokenType.Null)
            BeginTensors(ref reader, Place.Outputs, ref hasOutputs);
        else
            Skip(ref reader);
    }

    private void TakeOfInput(ref Utf8JsonReader reader)
    {
        switch (property)
        {
            case Property.Name:
                Input.Name = JsonArguments.Text(ref reader, property);
                break;
            case Property.Datatype:
                Input.Datatype = JsonArguments.Text(ref reader, property);
                break;
            case Property.Shape when reader.TokenType == JsonTokenType.StartArray:
                (place, shape) = (Place.Shape, []);
                break;
            case Property.Shape:
                throw Wrong($"{Input.ShownName}: shape must be a list of integers; it is {JsonWords.Describe(reader.TokenType)}");
            case Property.Data:
                BeginData(ref reader);
                break;
            case Property.Parameters:
                BeginParameters(ref reader);
                break;
            default:
                Skip(ref reader);
                break;
        }
    }

    private void BeginTensors(ref Utf8JsonReader reader, Place list, ref bool seen)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
            throw Wrong($"{property.Name()} must be a list of objects; it is {JsonWords.Describe(reader.TokenType)}");
        if (seen)
            throw new RequestException(ProblemKind.DuplicateField, $"{property.Name()} is given twice");
        (place, seen) = (list, true);
    }

    private void TakeTensor(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.EndArray)
        {
            place = Place.Request;
            return;
        }
        bool isInput = place == Place.Inputs;
        if (reader.TokenType != JsonTokenType.StartObject)
            throw Wrong($"{(isInput ? "inputs" : "outputs")} must be a list of objects; it holds {JsonWords.Describe(reader.TokenType)}");
        if ((isInput ? request.Inputs.Count : request.Outputs.Count) == MostTensors)
            throw Wrong($"the request has more than {MostTensors} {(isInput ? "inputs" : "outputs")}");
        if (isInput)
            request.Inputs.Add(new InputTensor(request.Inputs.Count, limits, pool));
        else
            request.Outputs.Add(new RequestedOutput());
        place = isInput ? Place.Input : Place.Output;
    }

    private void TakeSize(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.EndArray)
            (Input.Shape, place) = ([.. shape], Place.Input);
        else if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out long size))
            throw Wrong($"{Input.ShownName}: shape must be a list of integers of 64 bits");
        else if (shape.Count == MaxDepth)
            throw Wrong($"{Input.ShownName}: shape has more than {MaxDepth} dimensions");
        else
            shape.Add(size);
    }

    private void BeginData(ref Utf8JsonReader reader)
    {
        Input.Begin((int)Math.Min(Ahead / BytesANumber, int.MaxValue));
        (place, endDepth) = (Place.Data, reader.CurrentDepth);
        if (reader.TokenType != JsonTokenType.StartArray)
            TakeData(ref reader);
        if (reader.TokenType != JsonTokenType.StartArray)
            place = Place.Input; // one bare element
    }

    private void TakeData(ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartArray:
                break;
            case JsonTokenType.EndArray:
                if (reader.CurrentDepth == endDepth)
                    place = Place.Input;
                break;
            case JsonTokenType.Number when FloatText.TryParse(reader.HasValueSequence ? reader.ValueSequence.ToArray() : reader.ValueSpan, out float value):
                Input.Append(value, Input.Values!.Length == 0 ? JsonArguments.Scalar(ref reader) : default);
                break;
            case JsonTokenType.Number:
                Input.AppendFault("is too large for a 32-bit float");
                break;
            case JsonTokenType.StartObject:
                throw Wrong($"{Input.ShownName}: data must be numbers, in a list or in lists of lists; it holds an object");
            default:
                Input.AppendFault($"is {JsonWords.Describe(reader.TokenType)}");
                break;
        }
    }

    private void BeginParameters(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.StartObject)
            (owner, place) = (place, Place.Parameters);
        else if (reader.TokenType != JsonTokenType.Null)
            throw Wrong($"parameters must be an object; it is {JsonWords.Describe(reader.TokenType)}");
    }

    private void Skip(ref Utf8JsonReader reader)
    {
        if (JsonArguments.IsScalar(reader.TokenType))
            return;
        if (place == Place.Parameters)
            throw Wrong("parameters hold strings, numbers and booleans, nothing nested");
        (owner, place, endDepth) = (place, Place.Skipped, reader.CurrentDepth);
    }

    private static RequestException Wrong(string detail) => new(ProblemKind.InvalidArgument, detail);
}
