using System.Globalization;
using System.Numerics;
using FlowCore;
using FlowCore.Drift;
using FlowRows;
using FlowRows.Answers;
using FlowRows.Buffers;
using FlowRows.Scoring;
using FlowRows.Tables;

namespace FlowCli.Rows;

/// <summary>Rows of a file to rows of another, block by block, so that memory stays bounded whatever their number.</summary>
/// <param name="Operation">What is computed of them.</param>
/// <param name="Input">Where the rows are.</param>
/// <param name="ContextFile">Where their contexts are, where not among their columns.</param>
/// <param name="ContextValues">Or the one context of all rows.</param>
/// <param name="Output">Where the answer goes.</param>
/// <param name="OutputFormat">The format of the answer on the standard output.</param>
/// <param name="Type">The type of its binary numbers.</param>
/// <param name="Include">What is asked for by name.</param>
internal sealed record RowWork(
    RowOperation Operation, RowArguments Input, string? ContextFile, double[]? ContextValues, string? Output, RowFormat? OutputFormat, ElementType Type,
    HashSet<string> Include) : EngineWork(Type)
{
    /// <summary>What is wanted of the rows' scores.</summary>
    public ScoreArguments Scores { get; init; } = new();

    /// <summary>The part of the rows that is computed; null for all.</summary>
    public Shard? Shard { get; init; }

    protected override (string Path, bool AreContexts, bool ChannelsLast)? Images => (Input.Path, false, Input.ChannelsLast);

    protected override async Task RunAsync<T>(EngineRun<T> engine, int version, RowPool pool, Terminal terminal)
    {
        FlowSpec spec = engine.Spec;
        if (Shard is not null && (Input.Path == RowPipe.Standard || Input.OnError == OnError.Skip))
            throw new FlowException("--shard: cuts a file by the number of its rows: give --input FILE, and --on-error null or fail");
        if (Output is not null && Output != RowPipe.Standard && Path.GetFullPath(Output) == Path.GetFullPath(Input.Path))
            throw new FlowException($"--output: is the same file as --input, {Input.Path}; the rows would be lost");
        RowArguments rows = Input with { MayLack = Scores.Missing == Missing.Marginalize };
        long? all = Shard is null ? null : await RowInput<T>.CountAsync(rows, ContextFile, ContextValues, Operation.Input, spec, pool, terminal);
        (long First, long End)? part = Shard?.Of(all!.Value, engine.ShardStep);
        ScoreRequest? request = ScoresOf(engine);
        var scoring = new RowScoring<T>(engine, request, version, pool, terminal);
        await using RowInput<T> input = await RowInput<T>.OpenAsync(rows, ContextFile, ContextValues, Operation.Input, spec, pool, terminal);
        await input.GoToAsync(part, engine.ChunkRows);
        if (PartFile.Is(Output) && (Shard, part) is ({ } shard, var (first, end)))
            await RowProgress.ShowAsync(terminal, Output, report =>
            {
                input.Progress = report;
                PartFacts Facts(AnswerShape shape) => new(shard, first, end, new(all!.Value, spec.Weights!.Sha256, request!.Calibration.Sha256, Type, Scores, request!.Ranks, [.. Include], shape));
                return PartFile.WriteAsync(Output!, scoring.RankedAsync(input, Operation, Include, engine.ChunkRows), Facts, terminal.Stop);
            });
        else
            await AnswerAsync(input, scoring, terminal);
        if (Operation == RowOperation.Score && scoring.Typicality is { } together)
            terminal.Error.WriteLine(Summary(together));
    }

    private async Task AnswerAsync<T>(RowInput<T> input, RowScoring<T> scoring, Terminal terminal)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        await using var answer = new RowAnswerFile<T>(terminal, Output, OutputFormat, Type, Include, Input.OnError == OnError.Skip ? null : input.Rows);
        CarriedArguments.Check(
            input.Pipe.Format, answer.Format, Input.Keep.Length > 0 && !Input.KeepsIfNamed, Input.OnError, Input.ChannelsLast, Include.Contains(ScoreRequest.Attribution));
        await RowProgress.ShowAsync(terminal, Output, async report =>
        {
            input.Progress = report;
            await scoring.WriteAsync(input, Operation, Include, answer);
        });
        await input.CheckEndAsync();
        await answer.CompleteAsync(terminal.Stop);
    }

    private static string Summary(Typicality rows) => string.Create(CultureInfo.InvariantCulture,
        $"{rows.Rows} rows, mean log density {rows.MeanLogProb:G4} nats; {rows.Expected:G4} of the calibration's: p = {rows.PValue:G3} for rows that are ordinary together");

    private ScoreRequest? ScoresOf<T>(EngineRun<T> engine)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        bool asks = Scores.Given is not null || Include.Overlaps(ScoreRequest.Includes);
        return ScoreRequest.Of(Scores, Include, engine.Spec, engine.Spec.Name, asks ? engine.ReadCalibration() : null);
    }
}
