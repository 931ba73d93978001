using System.Net;

namespace FlowService.Client;

/// <summary>The service refused a request, or could not answer it; the message says where the fault is, and the remedy.</summary>
public sealed class FlowServiceException(HttpStatusCode status, string? type, string message) : Exception(message)
{
    /// <summary>The status of the answer.</summary>
    public HttpStatusCode Status { get; } = status;

    /// <summary>The kind of refusal, for example urn:flowservice:wrong-width; null where the answer came from somebody else.</summary>
    public string? Type { get; } = type;
}
