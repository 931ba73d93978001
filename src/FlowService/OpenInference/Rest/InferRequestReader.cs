using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using FlowRows;
using FlowRows.Buffers;
using FlowService.Errors;
using FlowService.Limits;
using FlowService.OpenInference.Faces;
using FlowService.OpenInference.Tensors;
using FlowService.Requests;
using Microsoft.Extensions.Options;

namespace FlowService.OpenInference.Rest;

/// <summary>
/// A request's body, straight from its pipe into pooled buffers: JSON, or JSON and raw tensors behind it, or raw bytes alone. Its
/// Content-Type is not asked: some of the protocol's clients send none.
/// </summary>
internal sealed class InferRequestReader(IOptions<LimitsOptions> options, RowPool pool)
{
    public const string HeaderLength = "Inference-Header-Content-Length";

    private readonly LimitsOptions limits = options.Value;

    /// <exception cref="RequestException">What the client sent is refused: 400, 413 or 415.</exception>
    public async Task<InferRequest> ReadAsync(HttpContext http, ModelFace face)
    {
        MediaTypes.CheckEncoding(http.Request);
        var request = new InferRequest();
        try
        {
            long? header = LengthOf(http.Request.Headers[HeaderLength]);
            RawTensors raw = header == 0 ? RawTensors.Whole(request, face, limits, pool) : new RawTensors(request);
            await ReadAsync(http, header == 0 ? null : new InferJsonParser(request, limits, pool), header, raw);
            return request;
        }
        catch
        {
            request.Dispose();
            throw;
        }
    }

    private async Task ReadAsync(HttpContext http, InferJsonParser? json, long? header, RawTensors raw)
    {
        PipeReader body = http.Request.BodyReader;
        long jsonLeft = header ?? long.MaxValue, bytes = 0;
        while (true)
        {
            ReadResult read = await body.ReadAsync(http.RequestAborted);
            // A refused body is let go whole: the server drains what is still to come, and keeps the connection.
            SequencePosition consumed = read.Buffer.End;
            long bytesLeft;
            try
            {
                if (bytes + read.Buffer.Length > limits.BodyBytes)
                    throw FlowRows.Json.JsonBody.TooLarge(limits.BodyBytes);
                ReadOnlySequence<byte> rest = read.Buffer;
                if (json is not null)
                {
                    ReadOnlySequence<byte> piece = rest.Length > jsonLeft ? rest.Slice(0, jsonLeft) : rest;
                    bool isLast = piece.Length == jsonLeft || read.IsCompleted;
                    SequencePosition taken = json.Take(piece, isLast);
                    taken = isLast ? piece.End : taken;
                    jsonLeft -= piece.Slice(0, taken).Length;
                    rest = rest.Slice(taken);
                    if (isLast)
                        json = null;
                    if (isLast && header is not null && jsonLeft > 0)
                        throw new RequestException(ProblemKind.InvalidArgument, $"{HeaderLength} is {header}, but the body has only {header - jsonLeft} bytes");
                    if (isLast)
                        raw.Begin(header is not null);
                }
                if (json is null)
                    rest = rest.Slice(raw.Take(rest));
                (consumed, bytesLeft) = (rest.Start, rest.Length);
                bytes += read.Buffer.Length - rest.Length;
                FlowRows.Json.JsonBody.CheckToken(rest.Length);
            }
            finally
            {
                body.AdvanceTo(consumed, read.Buffer.End);
            }
            if (!read.IsCompleted)
                continue;
            raw.End(bytesLeft);
            return;
        }
    }

    private static long? LengthOf(string? text)
    {
        if (text is null)
            return null;
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long length)
            ? length
            : throw new RequestException(ProblemKind.InvalidArgument, $"the header {HeaderLength} must be the number of bytes of the JSON part; it is '{text.Shown()}'");
    }
}
