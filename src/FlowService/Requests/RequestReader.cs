using FlowRows;
using FlowRows.Buffers;
using FlowRows.Json;
using FlowRows.Scoring;
using FlowRows.Tables;
using FlowService.Errors;
using FlowService.Limits;
using FlowService.Models;
using Microsoft.Extensions.Options;

namespace FlowService.Requests;

/// <summary>A request's body, straight from its pipe into pooled buffers.</summary>
internal sealed class RequestReader(IOptions<LimitsOptions> options, RowPool pool)
{
    /// <summary>Kestrel's own buffer for a body (MaxRequestBufferSize) is as large.</summary>
    private const int ShortBytes = 1 << 20;

    private readonly RowLimits limits = options.Value.ForRows;

    /// <summary>Reads the fields that the operation has, from the query and a JSON body. A body of rows is left to <see cref="OpenAsync"/>.</summary>
    /// <exception cref="Exception">What the client sent is refused: 400, 413, 415 or 422.</exception>
    /// <param name="http">The request.</param>
    /// <param name="fields">Those that it may have.</param>
    /// <param name="usual">What becomes of a bad row where it says nothing of it.</param>
    /// <param name="beforeRows">Called where the rows of a JSON body or a form begin: what is refused there is not read, and says so.</param>
    public async Task<RowRequest> ReadAsync(HttpContext http, FieldSet fields, OnError usual = OnError.Fail, Func<RowRequest, RequestException?>? beforeRows = null)
    {
        bool isForm = MediaTypes.IsForm(http.Request, fields);
        if (isForm)
            MediaTypes.CheckEncoding(http.Request);
        var request = new RowRequest { Body = isForm ? null : MediaTypes.OfBody(http.Request, fields), UsualOnError = usual };
        try
        {
            FieldSet inQuery = http.Request.Query.Count == 0 ? default
                : QueryArguments.Read(http.Request.Query, request, RequestFields.OfQuery(fields), limits, pool);
            if (isForm)
            {
                if ((request.Refusal = beforeRows?.Invoke(request)) is not null)
                    return request;
                request.Form = await FormBody.ReadAsync(http.Request, limits.BodyBytes, http.RequestAborted);
                if (request.Context is not null)
                    throw new RequestException(ProblemKind.DuplicateField, "context stands in the query, and is a part of the body") { Field = RowNames.Context };
                return request;
            }
            if (request.Body is not null || MediaTypes.IsQueryAlone(http.Request, fields))
                return request;
            if (http.Request.ContentLength > limits.BodyBytes)
                throw JsonBody.TooLarge(limits.BodyBytes);
            var parser = new JsonRequestParser(request, RequestFields.OfJsonBody(fields), limits, pool, inQuery) { BeforeRows = beforeRows };
            await JsonBody.ParseAsync(http.Request.BodyReader, parser, limits.BodyBytes, http.RequestAborted);
            return request;
        }
        catch
        {
            request.Dispose();
            throw;
        }
    }

    /// <summary>Reads the fields that stand in the query, and the whole body as bytes: a sound, or a spectrogram. What is refused before the body need not be read.</summary>
    /// <exception cref="Exception">What the client sent is refused: 413, 415 or 422.</exception>
    public async Task<(RowRequest Request, byte[] Body)> ReadWholeAsync(HttpContext http, FieldSet fields, Func<RowRequest, RequestException?> beforeBody)
    {
        MediaTypes.CheckEncoding(http.Request);
        var request = new RowRequest();
        try
        {
            QueryArguments.Read(http.Request.Query, request, RequestFields.OfQuery(fields), limits, pool);
            if (beforeBody(request) is { } refusal)
                throw refusal;
            using var bytes = new MemoryStream();
            byte[] part = new byte[1 << 16];
            for (int taken; (taken = await http.Request.Body.ReadAsync(part, http.RequestAborted)) > 0;)
            {
                if (bytes.Length + taken > limits.BodyBytes)
                    throw JsonBody.TooLarge(limits.BodyBytes);
                bytes.Write(part, 0, taken);
            }
            return (request, bytes.ToArray());
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
    /// <param name="input">What the rows are: x, z, or the context of samples.</param>
    /// <param name="model">The model that they are for.</param>
    public async ValueTask<RowReader<float>?> OpenAsync(HttpContext http, RowRequest request, string input, ServedModel model)
    {
        if (request.Body is not { } format)
            return null;
        var layout = new ModelLayout(model.Name, model.Spec, input, request.Context is not null, request.Keep, request.IgnoreExtra) { KeepsIfNamed = request.KeepsIfNamed };
        RowSource source = Source(request, layout) with { IsShort = IsShort(http.Request), Header = MediaTypes.HasHeader(http.Request), OnError = request.OnError };
        return await format.OpenAsync<float>(http.Request.BodyReader, source, http.RequestAborted);
    }

    /// <summary>The rows of a form, with what they are conditioned on; null where the request was none.</summary>
    /// <exception cref="Exception">A part is not what the model takes: names it.</exception>
    public Task<RowBlock<float>>? RowsOfForm(HttpContext http, RowRequest request, ServedModel model) =>
        request.Form?.RowsAsync(model, layout => Source(request, layout), http.RequestAborted);

    private RowSource Source(RowRequest request, RowLayout layout) => new(layout, limits, pool)
    {
        ChannelsLast = request.Layout == ImageLayout.Nhwc,
        MayLack = request.Scores.Missing == Missing.Marginalize,
    };

    /// <summary>Whether the client can send the whole body before it reads: the server's buffer takes it in.</summary>
    public static bool IsShort(HttpRequest request) => !MediaTypes.HasBody(request) || request.ContentLength <= ShortBytes;
}
