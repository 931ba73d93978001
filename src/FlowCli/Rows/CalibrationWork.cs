using System.Globalization;
using FlowCore;
using FlowCore.Calibration;
using FlowRows.Answers;
using FlowRows.Buffers;
using FlowRows.Tables;

namespace FlowCli.Rows;

/// <summary>Rows of a file to a calibration of a checkpoint, block by block. It is computed in float32, as the service scores.</summary>
/// <param name="Input">Where the rows are.</param>
/// <param name="ContextFile">Where their contexts are, where not among their columns.</param>
/// <param name="ContextValues">Or the one context of all rows.</param>
internal sealed record CalibrationWork(RowArguments Input, string? ContextFile, double[]? ContextValues) : EngineWork(ElementType.Float32)
{
    private const int FewRows = 100;

    protected override async Task RunAsync<T>(EngineRun<T> engine, int version, RowPool pool, Terminal terminal)
    {
        FlowSpec spec = engine.Spec;
        var builder = new CalibrationBuilder(spec, CalibrationSet.Read(engine.Folder, spec)?.Kernel?.Density);
        await using RowInput<T> rows = await RowInput<T>.OpenAsync(Input, ContextFile, ContextValues, RowNames.X, spec, pool, terminal);
        while (await rows.ReadAsync(engine.ChunkRows) is { } block)
            using (block)
            {
                using RowBuffer<T>? beside = await rows.BesideAsync(block);
                RowBuffer<T>? context = beside ?? await rows.ContextOfAsync(block);
                ReadOnlySpan<T> x = block.Values!.Values.Span, conditions = context is null ? [] : context.Span;
                using RowResults<T> results = engine.Compute(RowOperation.LogProb, x, conditions);
                builder.Add(x, conditions, results.Values!.Span, results.LogProb.Span);
            }
        await rows.CheckEndAsync();
        CalibrationSet calibration = builder.Build();
        calibration.Write(engine.Folder, spec);
        terminal.Output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{spec.Name}: calibrated with {calibration.Count} rows; the least p-value is {calibration.LogProb.LeastPValue:G3}"));
        if (calibration.Count < FewRows)
            terminal.Error.WriteLine($"warning: {calibration.Count} rows are few: alpha 0.01 needs at least {ConformalScale.LeastCount(0.01)}");
    }
}
