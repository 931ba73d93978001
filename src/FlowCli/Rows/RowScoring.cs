using System.Numerics;
using FlowCore.Drift;
using FlowRows.Answers;
using FlowRows.Buffers;
using FlowRows.Pictures;
using FlowRows.Scoring;
using FlowRows.Tables;

namespace FlowCli.Rows;

/// <summary>Rows to answers, block by block: computed, ranked among calibration rows and explained, as far as somebody asks for it.</summary>
internal sealed class RowScoring<T>(EngineRun<T> engine, ScoreRequest? request, int version, RowPool pool, Terminal terminal)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly EngineEvaluations<T> evaluations = new(engine, pool, terminal.Stop);
    private readonly BatchTypicality? typicality = request is null ? null : new(request.Calibration.LogProb);

    /// <summary>Whether the rows so far are together as likely as ordinary ones; null where nobody asked, or for fewer than two rows.</summary>
    public Typicality? Typicality => typicality?.Result();

    /// <summary>Writes the answers to all rows.</summary>
    /// <param name="input">The rows.</param>
    /// <param name="operation">What is computed of them.</param>
    /// <param name="include">What is asked for by name.</param>
    /// <param name="file">Where the answers go. What cannot be written in parts is computed at once.</param>
    public async Task WriteAsync(RowInput<T> input, RowOperation operation, HashSet<string> include, RowAnswerFile<T> file)
    {
        IAsyncEnumerable<Answer<T>> answers = RankedAsync(input, operation, include, file.IsWhole ? int.MaxValue : engine.ChunkRows);
        if (request is not { NeedsAllRows: true })
        {
            await Behind.ForEachAsync(answers, answer => file.WriteAsync(answer, terminal.Stop));
            return;
        }
        if (file.IsWhole)
        {
            var ranked = new RankedRows(request.Ranks);
            await Behind.ForEachAsync(answers, answer => file.WriteAsync(ranked.Whole(answer), terminal.Stop));
            return;
        }
        await using RowsAside<T> aside = file.Aside(request.Ranks, pool);
        await Behind.ForEachAsync(answers, answer => aside.AddAsync(answer, terminal.Stop));
        await aside.WriteAsync(terminal.Stop);
    }

    /// <summary>The answers with ranks in the place of q-values, which only all rows together have. Each is its taker's, who disposes of it.</summary>
    public async IAsyncEnumerable<Answer<T>> RankedAsync(RowInput<T> input, RowOperation operation, HashSet<string> include, int most)
    {
        foreach (string warning in request?.Warnings ?? [])
            terminal.Error.WriteLine($"warning: {warning}");
        operation.Asked(include.Intersect([InputComplexity.Column]), engine.Spec, engine.Spec.Name); // the other names are known to do for every model
        await using var blocks = new BlocksAhead<T>(input, most);
        while (await blocks.NextAsync() is { } block)
            yield return await AnswerAsync(input, block, operation, include);
    }

    private async Task<Answer<T>> AnswerAsync(RowInput<T> input, RowBlock<T> block, RowOperation operation, HashSet<string> include)
    {
        var answer = new Answer<T>(engine.Spec.Name, version, block.Rows);
        try
        {
            answer.Own(block).FindMissing(request);
            using RowBuffer<T>? beside = await input.BesideAsync(block);
            RowBuffer<T>? context = beside ?? await input.ContextOfAsync(block);
            RowBuffer<T> x = block.Values!.Values;
            bool keepsValues = operation.KeepsValues(include) || request is { NeedsLatents: true };
            RowResults<T> results = answer.Own(engine.Compute(operation, x.Span, context is null ? [] : context.Span, keepsValues));
            using RowScores? scores = Score(results, block, context);
            operation.Fill(answer, x.Span, results, engine.Spec, include, pool);
            if (scores is not null)
            {
                AddTypicality(results, block);
                request!.AddTo<T>(answer, scores, x.Span, block.Missing, pool);
            }
            return answer.With(block);
        }
        catch
        {
            answer.Dispose();
            throw;
        }
    }

    private void AddTypicality(RowResults<T> results, RowBlock<T> block)
    {
        ReadOnlySpan<T> logProb = results.LogProb.Span;
        for (int row = 0; row < logProb.Length; row++)
            if (block.Blanks?.Of(row) is null && (block.Missing?.CountOf(row) ?? 0) == 0)
                typicality!.Add(double.CreateTruncating(logProb[row]));
    }

    private RowScores? Score(RowResults<T> results, RowBlock<T> block, RowBuffer<T>? context)
    {
        if (request is null)
            return null;
        RowBuffer<T> x = block.Values!.Values;
        ReadOnlySpan<T> conditions = context is null ? [] : context.Span;
        if (block.Missing is { Rows.Length: > 0 } missing)
        {
            evaluations.Run(x.Span, conditions, missing.Rows, RowCopies<T>.ToAverage(missing, results, engine.Spec.Width));
            if (request.NeedsPValues)
                evaluations.Learn(new(request.Calibration, missing));
        }
        RowScores scores = request.Rank(x.Span, results, block.Blanks, block.Missing, pool, Environment.ProcessorCount);
        if (request.Explain is null)
            return scores;
        scores.Reasons = new(request.Top);
        evaluations.Run(x.Span, conditions, scores.ToExplain, RowCopies<T>.ToExplain(request, scores.Reasons, x, results.LogProb));
        return scores;
    }
}
