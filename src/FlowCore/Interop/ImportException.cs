namespace FlowCore.Interop;

/// <summary>A foreign model that is not imported: the message names the layer or the key, and the sentence that helps.</summary>
public sealed class ImportException(string message) : FlowException(message);

/// <summary>A tensor that has not the shape its place needs; who reads the weights knows its key.</summary>
internal sealed class WrongShapeException(string message) : Exception(message);
