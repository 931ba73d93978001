using FlowImages;
using FlowRows;
using FlowRows.Answers;
using FlowRows.Tables;
using FlowService.Batching;
using FlowService.Models;
using FlowService.Requests;

namespace FlowService.Endpoints;

/// <summary>
/// The way of every operation: read the request, find the model, compute, answer. Where both sides are rows, NumPy, CSV or Arrow,
/// they pass through in parts; else the request is read whole, within the limits for one.
/// </summary>
internal static class OperationRun
{
    public static async Task AnswerAsync(this OperationServices services, HttpContext http, ServedOperation operation)
    {
        using RowRequest request = await services.Reader.ReadAsync(http, operation.Fields);
        ServedModel model = await services.FindAsync(http, request);
        HashSet<string> include = operation.Rows.Asked(request.Include, model.Name);
        AnswerFormat format = AnswerFormat.Of(http.Request, request, operation.Fields, model);
        var run = new RequestRun(services, http, operation, model, request, include);
        if (request.Body is not null || (operation.IsSample && format.Rows is { IsWhole: false }))
            await run.AnswerRowsAsync(format);
        else
            await run.AnswerWholeAsync(format, block: null);
    }

    private static async Task AnswerRowsAsync(this RequestRun run, AnswerFormat format)
    {
        await using RowReader<float>? body = await run.Services.Reader.OpenAsync(run.Http, run.Request, run.Operation.Rows.Input, run.Model);
        bool inParts = format.Rows is { IsWhole: false } && (run.Operation.IsSample || body!.Rows is not null || !format.Rows.CountsFirst);
        if (inParts && !run.Operation.IsSample)
        {
            await new RowStream(run).AnswerAsync(format.Rows!, samples: null, body);
            return;
        }
        using RowBlock<float>? block = body is null ? null : await body.ReadAllAsync(run.Http.RequestAborted);
        if (block is { Rows: 0 } && !run.Operation.IsSample)
            throw RowFault.NoRows("the body");
        if (inParts)
            await new RowStream(run).AnswerAsync(format.Rows!, run.Samples(block, inParts: true), body: null);
        else
            await run.AnswerWholeAsync(format, block);
    }

    private static async Task AnswerWholeAsync(this RequestRun run, AnswerFormat format, RowBlock<float>? block)
    {
        (HttpContext http, ServedOperation operation, ServedModel model) = (run.Http, run.Operation, run.Model);
        SampleRows? samples = operation.IsSample ? run.Samples(block, inParts: false) : null;
        using RowBlock<float>? rows = samples is null ? block ?? run.Request.BlockOf(operation.InputField, model.Spec, model.Name) : null;
        using WorkRows input = samples?.All ?? run.Work(rows!);
        int columns = samples?.Context.Count > 0 ? (int)input.RowsPerContext : ImageGrid.NearSquare(input.Count);
        PictureAnswer? picture = format.Rows is null ? PictureAnswer.Of(run.Request, model, input.Count, columns) : null;
        using WorkItem work = await run.ComputeAsync(input, run.Request.Priority);
        if (picture is not null)
        {
            await picture.WriteAsync(http.Response, work.Results.Values, http.RequestAborted);
            return;
        }
        using Answer<float> answer = run.Answer(work, rows);
        AnswerWriter<float> writer = run.Begin(format.Rows!, http.Response.BodyWriter, answer, answer.Rows);
        await writer.WriteAsync(answer, http.RequestAborted);
        await writer.CompleteAsync(http.RequestAborted);
    }
}
