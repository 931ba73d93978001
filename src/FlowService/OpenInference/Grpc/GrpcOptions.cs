using FlowService.Limits;
using Microsoft.Extensions.Options;

namespace FlowService.OpenInference.Grpc;

/// <summary>The section <c>Grpc</c>: where the Open Inference Protocol is spoken over gRPC.</summary>
internal sealed class GrpcOptions
{
    public const string Section = "Grpc";

    /// <summary>The port (default 8081), at the host of the first of <c>Urls</c>; 0 for none. It speaks HTTP/2, without TLS where Urls has none.</summary>
    [Within(0, 65535, ErrorMessage = "Grpc:Port must lie in 0..65535: the port of the Open Inference Protocol over gRPC, 0 for none (default 8081).")]
    public int Port { get; set; } = 8081;
}

[OptionsValidator]
internal sealed partial class GrpcOptionsValidator : IValidateOptions<GrpcOptions>;
