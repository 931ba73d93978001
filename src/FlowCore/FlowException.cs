namespace FlowCore;

/// <summary>What FlowCore says when it cannot go on: the message names the place and the remedy.</summary>
public class FlowException : Exception
{
    public FlowException(string message) : base(message)
    {
    }

    public FlowException(string message, Exception inner) : base(message, inner)
    {
    }
}

/// <summary>A description of a flow that does not describe one: the message names the field.</summary>
public sealed class SpecException(string message) : FlowException(message);

/// <summary>A checkpoint that cannot be trusted: the message names the file, the tensor or the field.</summary>
public sealed class CheckpointException : FlowException
{
    public CheckpointException(string message) : base(message)
    {
    }

    public CheckpointException(string message, Exception inner) : base(message, inner)
    {
    }
}

/// <summary>Rows of a wrong shape: the message names the expected and the given width or count.</summary>
public sealed class RowException(string message) : FlowException(message);
