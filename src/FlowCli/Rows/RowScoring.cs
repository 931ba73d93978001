using System.Numerics;
using FlowCore;
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

    /// <summary>The answers to all rows; each is disposed of when the next one is asked for.</summary>
    public async IAsyncEnumerable<Answer<T>> AnswersAsync(RowInput<T> input, RowOperation operation, HashSet<string> include, int most)
    {
        RankedRows? ranked = request is { NeedsAllRows: true } ? new(request.Ranks) : null;
        await using RowsAside<T>? aside = ranked is null || most == int.MaxValue ? null : new(pool);
        await foreach (Answer<T> answer in RankedAsync(input, operation, include, most))
        {
            ranked?.Count(answer);
            if (aside is not null)
            {
                await aside.AddAsync(answer, terminal.Stop);
                continue;
            }
            ranked?.Complete(answer);
            yield return answer;
        }
        if (aside is null)
            yield break;
        await foreach (Answer<T> answer in aside.ReadAsync(terminal.Stop))
        {
            ranked!.Complete(answer);
            yield return answer;
        }
    }

    /// <summary>The same with ranks in the place of q-values, which only all rows together have.</summary>
    public async IAsyncEnumerable<Answer<T>> RankedAsync(RowInput<T> input, RowOperation operation, HashSet<string> include, int most)
    {
        foreach (string warning in request?.Warnings ?? [])
            terminal.Error.WriteLine($"warning: {warning}");
        FlowSpec spec = engine.Spec;
        operation.Asked(include.Intersect([InputComplexity.Column]), spec, spec.Name); // the other names are known to do for every model
        await using var blocks = new BlocksAhead<T>(input, most);
        while (await blocks.NextAsync() is { } read)
        {
            using RowBlock<T> block = read;
            block.FindMissing(request);
            using RowBuffer<T>? beside = await input.BesideAsync(block);
            RowBuffer<T>? context = beside ?? await input.ContextOfAsync(block);
            bool keepsValues = operation.KeepsValues(include) || request is { NeedsLatents: true };
            using RowResults<T> results = engine.Compute(operation, block.Values!.Values.Span, context is null ? [] : context.Span, keepsValues);
            using RowScores? scores = Score(results, block, context);
            if (scores is not null)
                AddTypicality(results, block);
            using Answer<T> answer = operation.Fill(new Answer<T>(spec.Name, version, block.Rows), block.Values!.Values.Span, results, spec, include, pool);
            if (scores is not null)
                request!.AddTo<T>(answer, scores, block.Values!.Values.Span, block.Missing, pool);
            yield return answer.With(block);
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
