using System.IO.Pipelines;
using FlowService.Errors;
using FlowService.Limits;
using Microsoft.Extensions.Options;

namespace FlowService.Wire;

/// <summary>A request's body, straight from its pipe into pooled buffers.</summary>
internal sealed class RequestReader(IOptions<LimitsOptions> options, RowPool pool)
{
    /// <summary>The longest single token, a name say: what the parser must see whole is kept in memory until it ends.</summary>
    private const int MaxTokenBytes = 64 << 10;

    private readonly LimitsOptions limits = options.Value;

    /// <summary>Reads the fields that the operation has. An operation with the field range may answer with a picture.</summary>
    /// <exception cref="RequestException">What the client sent is refused: 400, 406, 413, 415 or 422.</exception>
    public async Task<RowRequest> ReadAsync(HttpContext http, RequestField fields)
    {
        MediaTypes.CheckBody(http.Request);
        MediaTypes.Choose(http.Request, fields.HasFlag(RequestField.Range) ? [MediaTypes.Json, MediaTypes.Png] : [MediaTypes.Json]);
        if (http.Request.ContentLength > limits.BodyBytes)
            throw TooLarge();
        var request = new RowRequest();
        try
        {
            await ParseAsync(http.Request.BodyReader, new JsonRequestParser(request, fields, limits, pool), http.RequestAborted);
            return request;
        }
        catch
        {
            request.Dispose();
            throw;
        }
    }

    private async Task ParseAsync(PipeReader body, JsonRequestParser parser, CancellationToken cancellation)
    {
        long bytes = 0;
        while (true)
        {
            ReadResult read = await body.ReadAsync(cancellation);
            // A refused body is let go whole: the server drains what is still to come, and keeps the connection.
            SequencePosition consumed = read.Buffer.End;
            try
            {
                if (bytes + read.Buffer.Length > limits.BodyBytes)
                    throw TooLarge();
                consumed = parser.Take(read.Buffer, read.IsCompleted);
                long rest = read.Buffer.Slice(consumed).Length;
                bytes += read.Buffer.Length - rest;
                if (rest > MaxTokenBytes)
                    throw new RequestException(ProblemKind.InvalidJson, $"a name, string or number in the body is longer than {MaxTokenBytes} bytes");
            }
            finally
            {
                body.AdvanceTo(consumed, read.Buffer.End);
            }
            if (read.IsCompleted)
                return;
        }
    }

    private RequestException TooLarge() => new(ProblemKind.BodyTooLarge,
        $"the body is larger than {limits.BodyBytes} bytes; send fewer rows in one request, or raise Limits:BodyBytes");
}
