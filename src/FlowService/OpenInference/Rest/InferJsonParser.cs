using System.Buffers;
using System.Text.Json;
using FlowRows;
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
    private const int MaxDepth = 64;

    // A guess at the size of a tensor's buffer, which then need not grow: few write numbers shorter than this.
    private const int BytesANumber = 8;

    private State state = State.Start, owner;
    private Property property;
    private string parameter = "";
    private List<long> shape = [];
    private int endDepth = -1; // of what is skipped, or of data
    private bool hasInputs, hasOutputs;

    private enum State
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
        TakeInState(ref reader);
        return state == State.Data && reader.TokenType == JsonTokenType.Number;
    }

    protected override int TakeRun(ReadOnlySpan<byte> bytes)
    {
        int taken = JsonRowsScanner.Run(bytes, Input.Free, out int count);
        if (count == 0)
            return 0;
        Input.SeeForm(bytes[1..taken], Input.Values!.Length);
        Input.Values.Advance(count);
        return taken;
    }

    protected override RequestException? NonFinite(in ReadOnlySequence<byte> rest) =>
        state == State.Data && JsonFault.NonFiniteLiteral(rest) is { } literal ? Input.Invalid(Input.Values!.Length, $"is {literal}") : null;

    private void TakeInState(ref Utf8JsonReader reader)
    {
        switch (state)
        {
            case State.Start when reader.TokenType == JsonTokenType.StartObject:
                state = State.Request;
                break;
            case State.Start:
                throw new RequestException(ProblemKind.InvalidJson, $"the body must be a JSON object with inputs; it is {JsonWords.Describe(reader.TokenType)}");
            case State.Skipped when reader.CurrentDepth == endDepth:
                state = owner;
                break;
            case State.Skipped:
                break;
            case State.Data:
                TakeData(ref reader);
                break;
            case State.Shape:
                TakeSize(ref reader);
                break;
            case State.Inputs or State.Outputs:
                TakeTensor(ref reader);
                break;
            default:
                TakeProperty(ref reader);
                break;
        }
    }

    private void TakeProperty(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.PropertyName && state == State.Parameters)
            parameter = reader.GetString()!;
        else if (reader.TokenType == JsonTokenType.PropertyName)
            property = Properties.Named(ref reader);
        else if (reader.TokenType == JsonTokenType.EndObject)
            state = state switch { State.Input => State.Inputs, State.Output => State.Outputs, State.Parameters => owner, _ => State.End };
        else if (state == State.Request)
            TakeOfRequest(ref reader);
        else if (state == State.Input)
            TakeOfInput(ref reader);
        else if (state == State.Output && property == Property.Name)
            Output.Name = JsonArguments.Text(ref reader, property);
        else if (state == State.Output && property == Property.Parameters)
            BeginParameters(ref reader);
        else if (state == State.Parameters && JsonArguments.IsScalar(reader.TokenType))
            TakeParameter(ref reader);
        else
            Skip(ref reader);
    }

    private void TakeParameter(ref Utf8JsonReader reader)
    {
        if (owner == State.Input)
            JsonArguments.TakeOfInput(ref reader, parameter, Input);
        else if (owner == State.Output)
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
            BeginTensors(ref reader, State.Inputs, ref hasInputs);
        else if (property == Property.Outputs && reader.TokenType != JsonTokenType.Null)
            BeginTensors(ref reader, State.Outputs, ref hasOutputs);
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
                (state, shape) = (State.Shape, []);
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

    private void BeginTensors(ref Utf8JsonReader reader, State list, ref bool seen)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
            throw Wrong($"{property.Name()} must be a list of objects; it is {JsonWords.Describe(reader.TokenType)}");
        if (seen)
            throw new RequestException(ProblemKind.DuplicateField, $"{property.Name()} is given twice");
        (state, seen) = (list, true);
    }

    private void TakeTensor(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.EndArray)
        {
            state = State.Request;
            return;
        }
        bool isInput = state == State.Inputs;
        if (reader.TokenType != JsonTokenType.StartObject)
            throw Wrong($"{(isInput ? "inputs" : "outputs")} must be a list of objects; it holds {JsonWords.Describe(reader.TokenType)}");
        if (isInput)
            request.AddInput(limits, pool);
        else
            request.AddOutput();
        state = isInput ? State.Input : State.Output;
    }

    private void TakeSize(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.EndArray)
            (Input.Shape, state) = ([.. shape], State.Input);
        else if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out long size))
            throw Wrong($"{Input.ShownName}: shape must be a list of integers of 64 bits");
        else
        {
            Input.CheckDimensions(shape.Count + 1);
            shape.Add(size);
        }
    }

    private void BeginData(ref Utf8JsonReader reader)
    {
        Input.Begin((int)Math.Min(Ahead / BytesANumber, int.MaxValue));
        (state, endDepth) = (State.Data, reader.CurrentDepth);
        if (reader.TokenType != JsonTokenType.StartArray)
            TakeData(ref reader);
        if (reader.TokenType != JsonTokenType.StartArray)
            state = State.Input; // one bare element
    }

    private void TakeData(ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartArray:
                break;
            case JsonTokenType.EndArray:
                if (reader.CurrentDepth == endDepth)
                    state = State.Input;
                break;
            case JsonTokenType.Number:
                TakeNumber(ref reader, reader.HasValueSequence ? reader.ValueSequence.ToArray() : reader.ValueSpan);
                break;
            case JsonTokenType.StartObject:
                throw Wrong($"{Input.ShownName}: data must be numbers, in a list or in lists of lists; it holds an object");
            default:
                Input.AppendFault($"is {JsonWords.Describe(reader.TokenType)}");
                break;
        }
    }

    private void TakeNumber(ref Utf8JsonReader reader, ReadOnlySpan<byte> text)
    {
        Input.SeeForm(text, Input.Values!.Length);
        if (FloatText.TryParse(text, out float value))
            Input.Append(value, Input.Values.Length == 0 ? JsonArguments.Scalar(ref reader) : default);
        else
            Input.AppendFault("is too large for a 32-bit float");
    }

    private void BeginParameters(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.StartObject)
            (owner, state) = (state, State.Parameters);
        else if (reader.TokenType != JsonTokenType.Null)
            throw Wrong($"parameters must be an object; it is {JsonWords.Describe(reader.TokenType)}");
    }

    private void Skip(ref Utf8JsonReader reader)
    {
        if (JsonArguments.IsScalar(reader.TokenType))
            return;
        if (state == State.Parameters)
            throw Wrong("parameters hold strings, numbers and booleans, nothing nested");
        (owner, state, endDepth) = (state, State.Skipped, reader.CurrentDepth);
    }

    private static RequestException Wrong(string detail) => new(ProblemKind.InvalidArgument, detail);
}
