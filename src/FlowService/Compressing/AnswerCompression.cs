using FlowService.OpenInference.Grpc;
using Microsoft.AspNetCore.ResponseCompression;
using Microsoft.Extensions.Options;

namespace FlowService.Compressing;

/// <summary>Compresses what is large enough for it to pay: of a short answer the headers are the larger part, and the client waits for the computation.</summary>
internal sealed class AnswerCompression(IServiceProvider services, IOptions<ResponseCompressionOptions> compression, IOptions<CompressionOptions> options)
    : ResponseCompressionProvider(services, compression), IResponseCompressionProvider
{
    public override bool ShouldCompressResponse(HttpContext context) =>
        context.Features.Get<AnswerSize>() is { } size && size.Bytes >= options.Value.FromBytes && base.ShouldCompressResponse(context);

    /// <summary>Asked first: nothing stands between the answer and the connection of those who do not take it.</summary>
    bool IResponseCompressionProvider.CheckRequestAcceptsCompression(HttpContext context) =>
        options.Value.FromBytes > 0 && CheckRequestAcceptsCompression(context) && !UnservedCalls.IsFormOf(context.Request);
}
