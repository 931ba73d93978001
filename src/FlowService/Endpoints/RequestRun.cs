using System.Globalization;
using System.IO.Pipelines;
using FlowRows;
using FlowRows.Answers;
using FlowRows.Pictures;
using FlowRows.Scoring;
using FlowRows.Tables;
using FlowService.Batching;
using FlowService.Compressing;
using FlowService.Errors;
using FlowService.Models;
using FlowService.Requests;
using FlowService.Scoring;

namespace FlowService.Endpoints;

/// <summary>
/// One request under way, and the way of every operation: read the request, find the model, compute, answer. Where both sides are rows,
/// NumPy, CSV or Arrow, they pass through in parts (<see cref="RowStream"/>); else the request is read whole, within the limits for one.
/// </summary>
internal sealed record RequestRun(
    OperationServices Services, HttpContext Http, ServedOperation Operation, ServedModel Model, RowRequest Request, HashSet<string> Include,
    ScoreRequest? Scores)
{
    public static async Task AnswerAsync(OperationServices services, HttpContext http, ServedOperation operation)
    {
        if (await RefusedAsync(services, http, operation) is { } refusal)
            await services.Refusals.AnswerAsync(http, refusal);
    }

    // A full queue refuses so often that its refusals are handed back: thrown, each would cost a sixth more.
    private static async Task<RequestException?> RefusedAsync(OperationServices services, HttpContext http, ServedOperation operation)
    {
        using RowRequest request = await services.Reader.ReadAsync(http, operation.Fields, operation.IsScore ? OnError.Null : OnError.Fail, read => services.WithoutRoom(http, read));
        if (request.Refusal is not null)
            return request.Refusal;
        if (operation.IsScore)
            request.FillScore();
        ServedModel model = await services.FindAsync(http, request);
        model = await OperationServices.AtSizeAsync(http, request, model, areContexts: operation.IsSample);
        if (Inference.WithoutRoom(model, rows: 1) is { } full)
            return full;
        HashSet<string> include = operation.Rows.Asked(request.Include, model.Spec, model.Name);
        AnswerFormat format = AnswerFormat.Of(http.Request, request, operation.Fields, model);
        ScoreRequest? scores = ScoreRequest.Of(request.Scores, include, model.Spec, model.Name, model.Calibration);
        var run = new RequestRun(services, http, operation, model, request, include, scores);
        if (request.Body is not null || (operation.IsSample && format.Rows is { IsWhole: false }))
            await run.AnswerRowsAsync(format);
        else if (services.Reader.RowsOfForm(http, request, model) is { } reading)
            await run.AnswerFormAsync(format, reading);
        else
            await run.AnswerWholeAsync(format, block: null);
        return null;
    }

    /// <summary>Rows of x or z as the model's queue takes them; their context is the block's or the request's.</summary>
    public WorkRows Work(RowBlock<float> block)
    {
        RowTable<float> rows = block.Values!;
        block.FindMissing(Scores);
        if (Request.Context is null)
            block.DeriveContext(Model.Spec, Operation.InputField.Name);
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
        Services.RunAsync(Http, Request, Operation.Work(Model, rows, priority, Include, Scores, Services.Pool));

    /// <summary>How strange computed rows are, and why; null where nobody asked. Their drift is seen in any case.</summary>
    public async Task<RowScores?> ScoreAsync(WorkItem work, RowBlock<float>? block)
    {
        RowScores? scores = await RankAsync(work, block);
        try
        {
            if (!Http.Request.Headers.ContainsKey(DensityWatch.ProbeHeader))
                Services.Watch.Observe(work, block);
            return scores;
        }
        catch
        {
            scores?.Dispose();
            throw;
        }
    }

    private async Task<RowScores?> RankAsync(WorkItem work, RowBlock<float>? block)
    {
        if (Scores is null)
            return null;
        if (block?.Missing is { Rows.Length: > 0 } missing)
        {
            await EvaluateAsync(work, missing.Rows, RowCopies<float>.ToAverage(missing, work.Results.Rows, Model.Width));
            if (Scores.NeedsPValues)
                await Services.Evaluations.LearnAsync(work, new(Scores.Calibration, missing), Timeout, Http.RequestAborted);
        }
        RowScores scores = Scores.Rank<float>(work.Input.Values!.Span, work.Results.Rows, block?.Blanks, block?.Missing, Services.Pool);
        try
        {
            if (Scores.Explain is null)
                return scores;
            scores.Reasons = new(Scores.Top);
            await EvaluateAsync(work, scores.ToExplain, RowCopies<float>.ToExplain(Scores, scores.Reasons, work.Input.Values!, work.Results.LogProb));
            return scores;
        }
        catch
        {
            scores.Dispose();
            throw;
        }
    }

    private Task EvaluateAsync(WorkItem work, int[] rows, RowCopies<float> copies) =>
        Services.Evaluations.RunAsync(work, rows, copies, Timeout, Http.RequestAborted);

    private TimeSpan Timeout => Deadline.Of(Request.TimeoutMs, Model.Queue.Options);

    /// <summary>The answer to computed rows, with what their block brought beside them.</summary>
    public Answer<float> Answer(WorkItem work, RowScores? scores, RowBlock<float>? block)
    {
        Answer<float> answer = Operation.Answer(work, Include, Services.Pool);
        if (scores is not null)
            Scores!.AddTo<float>(answer, scores, work.Input.Values!.Span, block?.Missing, Services.Pool);
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
        if (Scores is { Facts: var (score, calibrated, least), Warnings: var warnings })
        {
            response.Headers["flow-score"] = score;
            response.Headers["flow-calibration-rows"] = calibrated.ToString(CultureInfo.InvariantCulture);
            response.Headers["flow-p-min"] = ((float)least).ToString(CultureInfo.InvariantCulture);
            response.Headers["flow-warning"] = warnings;
        }
        return writer;
    }

    private async Task AnswerRowsAsync(AnswerFormat format)
    {
        await using RowReader<float>? body = await Services.Reader.OpenAsync(Http, Request, Operation.Rows.Input, Model);
        bool inParts = format.Rows is { IsWhole: false } && (Operation.IsSample || body!.Rows is not null || !format.Rows.CountsFirst);
        if (inParts && !Operation.IsSample)
        {
            await new RowStream(this).AnswerAsync(format.Rows!, samples: null, body);
            return;
        }
        using RowBlock<float>? block = body is null ? null : await body.ReadAllAsync(Http.RequestAborted);
        if (block is { Rows: 0 } && !Operation.IsSample)
            throw RowFault.NoRows("the body");
        if (inParts)
            await new RowStream(this).AnswerAsync(format.Rows!, Samples(block, inParts: true), body: null);
        else
            await AnswerWholeAsync(format, block);
    }

    private async Task AnswerFormAsync(AnswerFormat format, Task<RowBlock<float>> reading)
    {
        using RowBlock<float> rows = await reading;
        await AnswerWholeAsync(format, rows);
    }

    private async Task AnswerWholeAsync(AnswerFormat format, RowBlock<float>? block)
    {
        SampleRows? samples = Operation.IsSample ? Samples(block, inParts: false) : null;
        using RowBlock<float>? rows = samples is null ? block ?? Request.BlockOf(Operation.InputField, Model.Spec, Model.Name) : null;
        using WorkRows input = samples?.All ?? Work(rows!);
        PictureAnswer? picture = format.Rows is null ? Picture(samples, input) : null;
        using WorkItem work = await ComputeAsync(input, Request.Priority);
        if (picture is not null)
        {
            await picture.WriteAsync(Http.Response, work, Http.RequestAborted);
            return;
        }
        using RowScores? scores = await ScoreAsync(work, rows);
        using Answer<float> answer = Answer(work, scores, rows);
        if (Scores is { NeedsAllRows: true } all)
            new RankedRows(all.Ranks).Whole(answer);
        AnswerWriter<float> writer = Begin(format.Rows!, Http.Response.BodyWriter, answer, answer.Rows);
        await writer.WriteAsync(answer, Http.RequestAborted);
        await writer.CompleteAsync(Http.RequestAborted);
    }

    // A row of pictures for each context; without one, a square of them.
    private PictureAnswer Picture(SampleRows? samples, WorkRows input)
    {
        int columns = samples?.Context.Count > 0 ? (int)input.RowsPerContext : ImageGrid.NearSquare(input.Count);
        return PictureAnswer.Of(Request, Model, input.Count, columns);
    }
}
