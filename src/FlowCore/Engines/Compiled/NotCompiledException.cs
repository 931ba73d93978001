namespace FlowCore.Engines.Compiled;

/// <summary>A flow that the compiled engine does not run: the message names the kind; TorchEngine runs it.</summary>
public sealed class NotCompiledException(string message) : FlowException(message);
