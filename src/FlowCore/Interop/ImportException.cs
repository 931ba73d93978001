namespace FlowCore.Interop;

/// <summary>A foreign model that is not imported: the message names the layer or the key, and the sentence that helps.</summary>
public sealed class ImportException(string message) : FlowException(message);
