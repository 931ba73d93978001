using System.Globalization;
using System.Runtime.InteropServices;
using FlowRows.Buffers;
using FlowService.Errors;
using FlowService.Limits;
using FlowService.OpenInference.Grpc.Protocol;
using FlowService.OpenInference.Tensors;
using Google.Protobuf;
using static FlowService.OpenInference.Grpc.Protocol.ModelInferRequest.Types;
using static FlowService.OpenInference.Grpc.Protocol.ModelInferResponse.Types;

namespace FlowService.OpenInference.Grpc;

/// <summary>Messages to requests, and answers to messages. Who sends raw contents is answered with raw contents, and else with typed ones.</summary>
internal static class InferMessages
{
    /// <exception cref="RequestException">The contents do not fit what the message says of them.</exception>
    public static InferRequest Read(ModelInferRequest message, LimitsOptions limits, RowPool pool)
    {
        bool isRaw = message.RawInputContents.Count > 0;
        if (isRaw && message.RawInputContents.Count != message.Inputs.Count)
            throw Wrong($"raw_input_contents has {message.RawInputContents.Count} tensors for {message.Inputs.Count} inputs; send one for each, in their order");
        var request = new InferRequest { Id = message.Id, BinaryOutputs = isRaw };
        try
        {
            foreach ((string name, InferParameter parameter) in message.Parameters)
                InferParameters.TakeOfRequest(name, Value(parameter), request);
            for (int i = 0; i < message.Inputs.Count; i++)
                Read(message.Inputs[i], isRaw ? message.RawInputContents[i] : null, request.AddInput(limits, pool));
            foreach (InferRequestedOutputTensor output in message.Outputs)
                Read(output, request.AddOutput());
            return request;
        }
        catch
        {
            request.Dispose();
            throw;
        }
    }

    public static ModelInferResponse Write(InferAnswer answer)
    {
        var message = new ModelInferResponse
        {
            ModelName = answer.Face.Name,
            ModelVersion = answer.Face.Model.Version.ToString(CultureInfo.InvariantCulture),
            Id = answer.Id,
        };
        if (answer.Seed is { } seed)
            message.Parameters.Add("seed", seed <= long.MaxValue ? new InferParameter { Int64Param = (long)seed } : new InferParameter { Uint64Param = seed });
        foreach (OutputTensor output in answer.Outputs)
        {
            var tensor = new InferOutputTensor { Name = output.Name, Datatype = output.Spec.Datatype.Name };
            for (int i = 0; i < output.Spec.Shape.Length; i++)
                tensor.Shape.Add(output.Dimension(i));
            if (output.IsBinary)
                message.RawOutputContents.Add(ByteString.CopyFrom(MemoryMarshal.AsBytes(output.Values.Span)));
            else
                (tensor.Contents = new()).Fp32Contents.AddRange(output.Values.Span);
            message.Outputs.Add(tensor);
        }
        return message;
    }

    private static void Read(InferInputTensor message, ByteString? raw, InputTensor input)
    {
        (input.Name, input.Datatype) = (message.Name, message.Datatype);
        input.CheckDimensions(message.Shape.Count);
        input.Shape = [.. message.Shape];
        foreach (string parameter in message.Parameters.Keys)
            InferParameters.TakeOfInput(parameter);
        if (raw is null)
        {
            TypedContents.Read(message.Contents, TensorChecks.DatatypeOf(input), input);
            return;
        }
        if (message.Contents is not null)
            throw Wrong($"{input.ShownName} has typed contents beside raw_input_contents; send all inputs in one of the two forms");
        Datatype datatype = TensorChecks.DatatypeOf(input);
        TensorChecks.CheckSize(input, raw.Length, datatype);
        input.BinarySize = raw.Length;
        input.Begin(raw.Length / datatype.Size);
        input.Append(raw.Span, datatype);
    }

    private static void Read(InferRequestedOutputTensor message, RequestedOutput output)
    {
        foreach ((string name, InferParameter parameter) in message.Parameters)
            InferParameters.TakeOfOutput(name, Value(parameter));
        output.Name = message.Name;
    }

    private static ParameterValue Value(InferParameter parameter) => parameter.ParameterChoiceCase switch
    {
        InferParameter.ParameterChoiceOneofCase.StringParam => new(Text: parameter.StringParam),
        InferParameter.ParameterChoiceOneofCase.BoolParam => new(Flag: parameter.BoolParam),
        InferParameter.ParameterChoiceOneofCase.Int64Param => new(Integer: parameter.Int64Param),
        InferParameter.ParameterChoiceOneofCase.Uint64Param => new(Integer: parameter.Uint64Param),
        InferParameter.ParameterChoiceOneofCase.DoubleParam => new(Number: parameter.DoubleParam),
        _ => default,
    };

    private static RequestException Wrong(string detail) => new(ProblemKind.InvalidArgument, detail);
}
