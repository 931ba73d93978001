using FlowService.Batching;
using FlowService.Errors;

namespace FlowService.OpenInference.Tensors;

/// <summary>A request as it was sent, over REST or gRPC; what was left out is null. It owns the buffers of its inputs.</summary>
internal sealed class InferRequest : IDisposable
{
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
}

/// <summary>An output by name, and whether it shall come as raw bytes; null for what the request says of all.</summary>
internal sealed class RequestedOutput
{
    public string? Name { get; set; }

    public bool? IsBinary { get; set; }
}
