using FlowImages;
using FlowService.Batching;
using FlowService.Errors;
using FlowService.Models;
using FlowService.Wire;
using FlowService.Wire.Json;

namespace FlowService.Endpoints;

/// <summary>
/// The way of every operation: read the request, find the model, compute, answer. Where both sides are rows, NumPy, CSV or Arrow,
/// they pass through in parts; else the request is read whole, within the limits for one.
/// </summary>
internal static class OperationRun
{
    public static async Task AnswerAsync(this OperationServices services, HttpContext http, RowOperation operation)
    {
        using RowRequest request = await services.Reader.ReadAsync(http, operation.Fields);
        ServedModel model = await services.FindAsync(http, request);
        HashSet<string> include = operation.Includes.Asked(request, model.Name);
        bool isSample = operation.Operation == Operation.Sample;
        bool pictures = operation.Fields.HasFlag(RequestField.Range) && ImageGrid.Shows(model.Spec);
        string type = MediaTypes.Choose(http.Request, MediaTypes.Offered(request, operation.Fields, pictures), PictureAnswer.Reason(model));
        RowFormat? format = RowFormat.Of(type);
        CheckArguments(request, format, type);
        await using RowReader? body = await services.Reader.OpenAsync(http, request, operation.Input, model);
        bool inParts = format is not null && (isSample || (body is not null && (body.Rows is not null || !format.CountsFirst)));
        if (body is not null && (isSample || !inParts))
            request.Take(await body.ReadAllAsync(http.RequestAborted));
        SampleRows? samples = isSample ? SamplesOf(request, model).Checked(model, services.Limits.Value, inParts) : null;
        if (inParts)
            await new RowStream(services, http, operation, model, request, include).AnswerAsync(format!, samples, body);
        else
            await AnswerWholeAsync(services, http, operation, model, request, include, type, samples);
    }

    private static async Task AnswerWholeAsync(
        OperationServices services, HttpContext http, RowOperation operation, ServedModel model, RowRequest request, HashSet<string> include, string type, SampleRows? samples)
    {
        using WorkRows rows = samples?.All ?? OperationServices.RowsOf(request, operation.Input, model);
        int columns = samples is not null && request.Context is not null ? (int)rows.RowsPerContext : ImageGrid.NearSquare(rows.Count);
        PictureAnswer? picture = type == MediaTypes.Png ? PictureAnswer.Of(request, model, rows.Count, columns) : null;
        using WorkItem work = await services.RunAsync(http, request, operation.Work(model, rows, request.Priority, include, services.Pool));
        if (picture is not null)
        {
            await picture.WriteAsync(http.Response, work.Results.Values, http.RequestAborted);
            return;
        }
        using Answer answer = operation.Answer(work, include, services.Pool);
        if (RowFormat.Of(type) is { } format)
        {
            var options = new AnswerOptions(answer.Rows, request.Dtype ?? ElementType.Float32, include);
            AnswerWriter writer = format.Begin(http.Response, http.Response.BodyWriter, answer, options);
            await writer.WriteAsync(answer, http.RequestAborted);
            await writer.CompleteAsync(http.RequestAborted);
        }
        else
        {
            await JsonAnswerWriter.WriteAsync(http.Response, answer, http.RequestAborted);
        }
    }

    private static SampleArguments SamplesOf(RowRequest request, ServedModel model) => new()
    {
        Count = request.Count ?? throw RowRequest.Missing(RequestField.Count, "the number of rows to draw"),
        Offset = request.Offset,
        Seed = request.Seed,
        Temperature = request.Temperature,
        Context = ContextRows.Of(request.Context, model),
    };

    /// <summary>What only some answers can do is refused for the others: nothing that was asked for is left out silently.</summary>
    private static void CheckArguments(RowRequest request, RowFormat? format, string type)
    {
        if (request.Dtype is not null && format is not { IsBinary: true })
            throw new RequestException(ProblemKind.InvalidArgument, $"dtype is for NumPy and Arrow answers; this one is {type}: leave it out, or send Accept") { Field = "dtype" };
        if (request.Keep is { Count: > 0 } && (request.Body is not { Keeps: true } || format is not { Keeps: true }))
            throw new RequestException(ProblemKind.InvalidArgument, $"keep passes on columns of a CSV or Arrow body to a CSV or Arrow answer; this answer is {type}") { Field = "keep" };
    }
}
