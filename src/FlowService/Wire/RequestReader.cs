using System.IO.Pipelines;
using FlowService.Errors;
using FlowService.Limits;
using FlowService.Models;
using FlowService.Wire.Json;
using Microsoft.Extensions.Options;

namespace FlowService.Wire;

/// <summary>A request's body, straight from its pipe into pooled buffers.</summary>
internal sealed class RequestReader(IOptions<LimitsOptions> options, RowPool pool)
{
    /// <summary>The longest single token, a name say: what the parser must see whole is kept in memory until it ends.</summary>
    private const int MaxTokenBytes = 64 << 10;

    /// <summary>Kestrel's own buffer for a body (MaxRequestBufferSize) is as large.</summary>
    private const int ShortBytes = 1 << 20;

    private readonly LimitsOptions limits = options.Value;

    /// <summary>Reads the fields that the operation has, from the query and a JSON body. A body of rows is left to <see cref="OpenAsync"/>.</summary>
    /// <exception cref="RequestException">What the client sent is refused: 400, 406, 413, 415 or 422.</exception>
    public async Task<RowRequest> ReadAsync(HttpContext http, RequestField fields)
    {
        var request = new RowRequest { Body = MediaTypes.OfBody(http.Request, fields) };
        try
        {
            MediaTypes.Choose(http.Request, MediaTypes.Offered(request, fields, fields.HasFlag(RequestField.Range)));
            RequestField inQuery = http.Request.Query.Count == 0 ? RequestField.None
                : QueryArguments.Read(http.Request.Query, request, fields & ~(RequestField.X | RequestField.Z), limits, pool);
            if (request.Body is not null || MediaTypes.IsQueryAlone(http.Request, fields))
                return request;
            if (http.Request.ContentLength > limits.BodyBytes)
                throw TooLarge();
            await ParseAsync(http.Request.BodyReader, new JsonRequestParser(request, fields, limits, pool, inQuery), http.RequestAborted);
            return request;
        }
        catch
        {
            request.Dispose();
            throw;
        }
    }

    /// <summary>Begins to read a body of rows; null where the request was JSON.</summary>
    /// <param name="http">The request.</param>
    /// <param name="request">What <see cref="ReadAsync"/> has read of it.</param>
    /// <param name="field">What the rows are: x, z, or context alone.</param>
    /// <param name="model">The model that they are for.</param>
    public async ValueTask<RowReader?> OpenAsync(HttpContext http, RowRequest request, RequestField field, ServedModel model)
    {
        if (request.Body is null)
            return null;
        var source = new RowSource(RowLayout.Of(request, field, model), limits, pool, IsShort(http.Request));
        return await request.Body.OpenAsync(http.Request, source, http.RequestAborted);
    }

    /// <summary>Whether the client can send the whole body before it reads: the server's buffer takes it in.</summary>
    public static bool IsShort(HttpRequest request) => !MediaTypes.HasBody(request) || request.ContentLength <= ShortBytes;

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
