using FlowCli.Rows;
using FlowCore;
using FlowRows.Buffers;
using FlowRows.Tables;

namespace FlowCli.Training;

/// <summary>A file's rows, whole, as they are trained on, and where each stands in the file, counted from 0.</summary>
/// <param name="Values">The features, row by row.</param>
/// <param name="Width">How many there are.</param>
/// <param name="Names">Their names; null where the file has none.</param>
/// <param name="Context">The contexts, row by row.</param>
/// <param name="Positions">The row of the file that each row is.</param>
/// <param name="LeftOut">The rows that the label left out.</param>
internal sealed record TrainingTable(double[] Values, int Width, string[]? Names, double[] Context, long[] Positions, int LeftOut)
{
    private const int RowsAtOnce = 4096;

    public int Rows => Positions.Length;

    public static TrainingTable Read(string path, RowLayout layout, TrainingRequest request, Terminal terminal) =>
        ReadAsync(path, layout, request, terminal).GetAwaiter().GetResult();

    private static async Task<TrainingTable> ReadAsync(string path, RowLayout layout, TrainingRequest request, Terminal terminal)
    {
        if (path == RowPipe.Standard)
            throw new FlowException("--input: training reads a file, whose sha256 its model card names");
        await using RowPipe pipe = await RowPipe.OpenAsync(path, terminal);
        RowArguments arguments = new() { Path = path, Header = request.Header, ChannelsLast = request.ChannelsLast && layout.FromChannelsLast is not null };
        return await pipe.NamingAsync(async () =>
        {
            await using RowReader<double> reader = await pipe.Format.OpenAsync<double>(
                pipe.Bytes, arguments.Source(layout, pipe, new RowPool()), CancellationToken.None);
            return await ReadAsync(reader, layout as TrainingLayout, path);
        }, (layout as TrainingLayout)?.RemedyOfCells);
    }

    private static async Task<TrainingTable> ReadAsync(RowReader<double> reader, TrainingLayout? layout, string path)
    {
        int width = reader.Columns.Values.Length, given = reader.Columns.Context.Length, conditions = layout?.Conditions.Length ?? given;
        List<double> values = [], contexts = [];
        var positions = new List<long>();
        int leftOut = 0;
        while (await reader.ReadAsync(RowsAtOnce, CancellationToken.None) is { } block)
        {
            using (block)
                for (int row = 0; row < block.Rows; row++)
                {
                    ReadOnlySpan<double> beside = block.Context is null ? [] : block.Context.Values.Span.Slice(row * given, given);
                    if (given > conditions && beside[^1] != 0)
                    {
                        leftOut++;
                        continue;
                    }
                    values.AddRange(block.Values!.Values.Span.Slice(row * width, width));
                    contexts.AddRange(beside[..conditions]);
                    positions.Add(block.First + row);
                }
        }
        string[]? names = layout is null || reader.Names is not { } all ? null : [.. reader.Columns.Values.Select(column => all[column])];
        CheckRange(values, width, names, path, positions);
        return new([.. values], width, names, [.. contexts], [.. positions], leftOut);
    }

    // The flow computes in float32, in which larger values are infinite.
    private static void CheckRange(List<double> values, int width, string[]? names, string path, List<long> positions)
    {
        for (int i = 0; i < values.Count; i++)
            if (!float.IsFinite((float)values[i]))
                throw new FlowException($"{path}: row {positions[i / width]}, {(names is null ? $"column {i % width + 1}" : $"column '{names[i % width]}'")} is {values[i]}, beyond the range of float32: "
                    + $"choose another unit, or leave out the row{(names is null ? "" : ", or the column by --exclude")}");
    }
}
