namespace FlowService.OpenInference.Metadata;

/// <summary>What the server is, and which extensions of the protocol it serves.</summary>
/// <param name="Name">The server's name.</param>
/// <param name="Version">Its version.</param>
/// <param name="Extensions">The extensions by their names in the protocol.</param>
internal sealed record ServerMetadata(string Name, string Version, string[] Extensions)
{
    public static readonly ServerMetadata Own = new(
        "flowservice", typeof(ServerMetadata).Assembly.GetName().Version?.ToString(3) ?? "0",
        ["binary_tensor_data", "model_configuration", "model_repository", "parameters", "schedule_policy", "statistics"]);
}
