using FlowRows.Buffers;
using FlowService.Batching;
using FlowService.Errors;
using FlowService.Limits;

namespace FlowService.OpenInference.Tensors;

/// <summary>A request as it was sent, over REST or gRPC; what was left out is null. It owns the buffers of its inputs.</summary>
internal sealed class InferRequest : IDisposable
{
    private const int MostTensors = 64;

    /// <summary>Echoed in the answer, also where it is empty.</summary>
    public string? Id { get; set; }

    /// <summary>The time in microseconds that it may take; 0 for the model's default.</summary>
    public Int128 Timeout { get; set; }

    /// <summary>Whether outputs come as raw bytes that say nothing themselves.</summary>
    public bool BinaryOutputs { get; set; }

    public Priority Priority { get; private set; }

    public List<InputTensor> Inputs { get; } = [];

    /// <summary>The outputs asked for; none for all that there are.</summary>
    public List<RequestedOutput> Outputs { get; } = [];

    /// <summary>Adds an input, which is still to be read.</summary>
    /// <exception cref="RequestException">There are too many.</exception>
    public InputTensor AddInput(LimitsOptions limits, RowPool pool)
    {
        CheckRoom(Inputs.Count, "inputs");
        var input = new InputTensor(Inputs.Count, limits, pool);
        Inputs.Add(input);
        return input;
    }

    /// <summary>Adds an output, which is still to be read.</summary>
    /// <exception cref="RequestException">There are too many.</exception>
    public RequestedOutput AddOutput()
    {
        CheckRoom(Outputs.Count, "outputs");
        var output = new RequestedOutput();
        Outputs.Add(output);
        return output;
    }

    /// <summary>A text that says something, or null.</summary>
    public static string? Given(string? text) => string.IsNullOrEmpty(text) ? null : text;

    /// <summary>Whether the answer shall have an output.</summary>
    public bool Asks(string output) => Outputs.Count == 0 || Outputs.Exists(asked => asked.Name == output);

    /// <summary>The input of a name, or null.</summary>
    public InputTensor? Input(string name) => Inputs.Find(input => input.Name == name);

    /// <summary>Takes an input out of the request, if it has it: the caller disposes of it.</summary>
    public InputTensor? Take(string name)
    {
        InputTensor? taken = Input(name);
        if (taken is not null)
            Inputs.Remove(taken);
        return taken;
    }

    /// <summary>0 is the default, 1 the highest, as schedulers of this protocol count.</summary>
    public void Prioritise(Int128 level) => Priority = level >= 0
        ? level > 1 ? Priority.Bulk : Priority.Interactive
        : throw new RequestException(ProblemKind.InvalidArgument, $"priority must be 0 (the default), 1 (interactive) or more (bulk); it is {level}");

    public void Dispose() => Inputs.ForEach(input => input.Dispose());

    private static void CheckRoom(int count, string tensors)
    {
        if (count == MostTensors)
            throw new RequestException(ProblemKind.InvalidArgument, $"the request has more than {MostTensors} {tensors}");
    }
}

/// <summary>An output by name, and whether it shall come as raw bytes; null for what the request says of all.</summary>
internal sealed class RequestedOutput
{
    /// <summary>Null where it is left out or empty.</summary>
    public string? Name { get; set => field = InferRequest.Given(value); }

    public bool? IsBinary { get; set; }
}
