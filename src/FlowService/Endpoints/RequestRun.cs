using System.Globalization;
using System.IO.Pipelines;
using FlowRows;
using FlowRows.Answers;
using FlowRows.Tables;
using FlowService.Batching;
using FlowService.Compressing;
using FlowService.Models;
using FlowService.Requests;

namespace FlowService.Endpoints;

/// <summary>One request under way: what it asks, of which model, and the steps that answering it whole and in parts have in common.</summary>
internal sealed record RequestRun(
    OperationServices Services, HttpContext Http, ServedOperation Operation, ServedModel Model, RowRequest Request, HashSet<string> Include)
{
    /// <summary>Rows of x or z as the model's queue takes them; their context is the block's or the request's.</summary>
    public WorkRows Work(RowBlock<float> block)
    {
        RowTable<float> rows = block.Values!;
        ContextRows<float> context = ContextRows<float>.Of(block.Context ?? Request.Context, Model.Spec, Model.Name, rows.Rows);
        return new() { Count = rows.Rows, Values = rows.Values, Context = context.Values, RowsPerContext = context.RowsPerContext(rows.Rows) };
    }

    /// <summary>The samples that are asked for. A block of a body holds their contexts.</summary>
    public SampleRows Samples(RowBlock<float>? block, bool inParts) => new SampleArguments
    {
        Count = Request.Count ?? throw RowRequest.Missing(RequestFields.Count, "the number of rows to draw"),
        Offset = Request.Offset,
        Seed = Request.Seed,
        Temperature = Request.Temperature,
        Context = ContextRows<float>.Of(block?.Context ?? Request.Context, Model.Spec, Model.Name),
    }.Checked(Model, Services.Limits.Value, inParts);

    /// <summary>Takes some rows through the model's queue.</summary>
    public Task<WorkItem> ComputeAsync(WorkRows rows, Priority priority) =>
        Services.RunAsync(Http, Request, Operation.Work(Model, rows, priority, Include, Services.Pool));

    /// <summary>The answer to computed rows, with what their block brought beside them.</summary>
    public Answer<float> Answer(WorkItem work, RowBlock<float>? block)
    {
        Answer<float> answer = Operation.Answer(work, Include, Services.Pool);
        return block is null ? answer : answer.With(block);
    }

    /// <summary>Begins an answer: its headers, and the writer of its rows.</summary>
    public AnswerWriter<float> Begin(RowFormat format, PipeWriter body, Answer<float> first, long? rows)
    {
        HttpResponse response = Http.Response;
        AnswerWriter<float> writer = format.Writer<float>(body, new(rows, Request.Dtype ?? ElementType.Float32, Include));
        response.ContentType = format.MediaType;
        if (!format.IsBinary && AnswerSize.Matters(Http))
            Http.Features.Set(AnswerSize.OfText(first, rows));
        if (format.IsWhole)
            return writer;
        response.ContentLength = writer.Length(first);
        response.Headers["flow-model"] = first.Model;
        response.Headers["flow-version"] = first.Version.ToString(CultureInfo.InvariantCulture);
        if (first.Seed is { } seed)
            response.Headers["flow-seed"] = seed.ToString(CultureInfo.InvariantCulture);
        return writer;
    }
}
