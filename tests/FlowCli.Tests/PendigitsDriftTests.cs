using System.Globalization;
using FlowCore.Calibration;
using FlowCore.Checkpoints;
using FlowCore.Drift;

namespace FlowCli.Tests;

/// <summary>Windows of 200 fresh rows of pendigits, unchanged, and with one column moved by a quarter of its standard deviation.</summary>
[Trait("Data", "adbench")]
public sealed class PendigitsDriftTests : IClassFixture<PendigitsModel>
{
    private const int Rows = 200, Width = 16;

    private readonly PendigitsModel model;
    private readonly ITestOutputHelper output;
    private readonly CalibrationSet calibration;

    public PendigitsDriftTests(PendigitsModel model, ITestOutputHelper output)
    {
        (this.model, this.output) = (model, output);
        calibration = CalibrationSet.Read(model.Folder, Checkpoint.Read(model.Folder).Spec)!;
    }

    [Fact]
    public void No_window_of_unchanged_rows_raises_an_alarm()
    {
        const int windows = 100;
        double[] logProb = model.LogProb(model.Fresh);
        var random = new Random(0);
        int alarms = 0;
        double highest = 0;
        for (int window = 0; window < windows; window++)
        {
            int[] rows = [.. Enumerable.Range(0, model.Fresh.Length)];
            random.Shuffle(rows);
            DriftState state = Window(rows.Take(Rows).Select(row => model.Fresh[row]), rows.Take(Rows).Select(row => logProb[row]));
            alarms += state.Columns.Append(state.Score).Any(column => column.IsAlarm) || state.MartingaleAlarm ? 1 : 0;
            highest = Math.Max(highest, state.Columns.Append(state.Score).Max(column => column.Psi / column.Limit));
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{alarms} of {windows} windows of {Rows} rows; the highest index is {highest:P0} of its limit; the rate is {DriftWindow.FalseAlarmRate} a window"));
        Assert.Equal(0, alarms);
    }

    [Fact]
    public void A_quarter_of_a_deviation_in_one_column_is_found_by_that_column_alone()
    {
        var random = new Random(1);
        int up = 0, down = 0, others = 0;
        for (int column = 0; column < Width; column++)
            foreach (int sign in (int[])[1, -1])
            {
                double[][] rows = [.. model.Fresh.OrderBy(_ => random.Next()).Take(Rows).Select(row => row.ToArray())];
                foreach (double[] row in rows)
                    row[column] += 0.25 * sign * calibration.Columns.Deviation[column];
                DriftState state = Window(rows, model.LogProb(rows));
                up += sign > 0 && state.Columns[column].IsAlarm ? 1 : 0;
                down += sign < 0 && state.Columns[column].IsAlarm ? 1 : 0;
                others += state.Columns.Where((each, at) => at != column && each.IsAlarm).Count();
                output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"column {column}, {sign}: index {state.Columns[column].Psi:F3}, limit {state.Columns[column].Limit:F3}; of the score {state.Score.Psi:F3}, limit {state.Score.Limit:F3}; evidence {state.Log10Evidence:F1}"));
            }

        Assert.Equal((Width, 0), (up, others));
        Assert.InRange(down, Width - 1, Width); // a smooth column has no more than 3.2 standard errors of its mean to show
    }

    private DriftState Window(IEnumerable<double[]> rows, IEnumerable<double> logProb)
    {
        var window = new DriftWindow(calibration, Rows);
        foreach ((double[] x, double score) in rows.Zip(logProb))
            window.Add([.. x.Select(value => (float)value)], (float)score);
        return window.State();
    }
}
