using FlowService.Errors;

namespace FlowService.OpenInference.Tensors;

/// <summary>
/// What the parameters of a request, an input and an output mean, over REST and gRPC alike. What clients rely on and is not served
/// is refused; parameters that are not known here mean something to others, and are passed over.
/// </summary>
internal static class InferParameters
{
    private const string SharedMemoryRegion = "shared_memory_region";

    /// <exception cref="RequestException">The value is not what the parameter takes, or sequences are asked for.</exception>
    public static void TakeOfRequest(string name, ParameterValue value, InferRequest request)
    {
        switch (name)
        {
            case "timeout":
                request.Timeout = value.IntegerOf(name);
                break;
            case "priority":
                request.Prioritise(value.IntegerOf(name));
                break;
            case "sequence_id" or "sequence_start" or "sequence_end" when value.IsSet:
                throw Refused($"sequences are not served: every request stands alone; leave out {name}");
        }
    }

    /// <exception cref="RequestException">The tensor lies in shared memory.</exception>
    public static void TakeOfInput(string name)
    {
        if (name == SharedMemoryRegion)
            throw NoSharedMemory();
    }

    /// <exception cref="RequestException">The output shall go into shared memory, or be classified.</exception>
    public static void TakeOfOutput(string name, ParameterValue value)
    {
        if (name == SharedMemoryRegion)
            throw NoSharedMemory();
        if (name == "classification" && value.IntegerOf(name) != 0)
            throw Refused("classification is not served: the outputs of a flow are not classes");
    }

    private static RequestException NoSharedMemory() => Refused("shared memory is not served; send tensors in the request, and read them from the answer");

    private static RequestException Refused(string detail) => new(ProblemKind.InvalidArgument, detail);
}
