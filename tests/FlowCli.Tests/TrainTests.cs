using System.Diagnostics;
using System.Globalization;
using FlowCore.Checkpoints;
using FlowCore.Engines;

namespace FlowCli.Tests;

public sealed class TrainTests : IDisposable
{
    private readonly Cli cli = new();

    public void Dispose() => cli.Dispose();

    [Theory]
    [InlineData("simple")]
    [InlineData("maf")]
    [InlineData("nsf-ar")]
    [InlineData("realnvp")]
    [InlineData("nsf")]
    public void Every_preset_trains_into_a_checkpoint_with_its_card(string flow)
    {
        string folder = cli.TrainSmall(flow: flow);
        Checkpoint checkpoint = Checkpoint.Read(folder);
        Assert.Equal("small", checkpoint.Spec.Name);
        Assert.Equal(["a", "b"], checkpoint.Spec.Features!);
        Assert.Equal(42, checkpoint.Spec.Training!.Rows);
        Assert.Equal((9, 9), (checkpoint.Spec.Training.ValidationRows, checkpoint.Spec.Training.TestRows));
        Assert.StartsWith("flow train --input", checkpoint.Spec.Provenance!.Command, StringComparison.Ordinal);
        string card = File.ReadAllText(Path.Combine(folder, Checkpoint.CardFile));
        Assert.Contains("full-covariance Gaussian", card, StringComparison.Ordinal);
        Assert.Contains(checkpoint.Spec.Provenance.DataSha256!, card, StringComparison.Ordinal);
        Assert.Contains("The least likely test rows", card, StringComparison.Ordinal);
    }

    [Fact]
    public void A_log_has_the_first_line_before_the_training_begins()
    {
        using var output = new Flushes();
        using var error = new StringWriter();
        int code = FlowCommand.Run(["train", "--input", cli.WriteTable(), "--flow", "realnvp", "--layers", "2", "--hidden", "8", "--epochs", "2", "--out", cli.At("log/1")], output, error);

        Assert.Equal(0, code);
        Assert.Equal("log: realnvp, 2 features; 42 rows to train, 9 to validate, 9 to test" + Environment.NewLine, output.First);
    }

    [Fact]
    public void The_same_seed_gives_the_same_weights_and_another_seed_others()
    {
        byte[] first = Weights(cli.TrainSmall("first", seed: 5)), again = Weights(cli.TrainSmall("again", seed: 5));
        Assert.Equal(first, again);
        Assert.NotEqual(first, Weights(cli.TrainSmall("other", seed: 6)));
    }

    [Fact]
    public void An_existing_folder_is_refused_before_training()
    {
        string folder = cli.TrainSmall();
        var clock = Stopwatch.StartNew();
        Cli.Run("train", "--input", cli.At("data.csv"), "--out", folder, "--epochs", "100000").FailsWith(1, folder, "exists already");
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5));
    }

    [Fact]
    public void Rows_with_another_label_are_left_out_and_the_label_is_no_feature()
    {
        string[] lines = File.ReadAllLines(cli.WriteTable("plain.csv", rows: 80));
        cli.Write("labelled.csv", string.Join('\n', lines.Select((line, i) => i == 0 ? $"{line},label" : $"{line},{(i % 8 == 0 ? 1 : 0)}")));
        Outcome outcome = Cli.Run("train", "--input", cli.At("labelled.csv"), "--label", "label", "--flow", "simple", "--epochs", "2", "--out", cli.At("m/1/"));
        Assert.True(outcome.Code == 0, outcome.Error);
        Assert.Contains("10 rows with label != 0 left out", outcome.Output, StringComparison.Ordinal);
        Assert.Equal(["a", "b"], Checkpoint.Read(cli.At("m/1")).Spec.Features!);
        Cli.Run("train", "--input", cli.At("labelled.csv"), "--label", "outcome", "--out", cli.At("n/1")).FailsWith(1, "no column 'outcome'", "a, b, label");
    }

    [Theory]
    [InlineData("modèle/1", "cannot be a model's name")]
    [InlineData("my model/1", "does not begin with '.'")]
    [InlineData(".hidden/1", "does not begin with '.'")]
    [InlineData("m/0", "'0' is no version that would be served: versions are 1, 2, ...")]
    [InlineData("m/01/", "'01' is no version")]
    [InlineData("m/2147483648", "'2147483648' is no version")]
    [InlineData("file/1", "/file is a file; choose another folder")]
    public void A_folder_that_cannot_be_served_is_refused_before_anything_is_read(string folder, string words)
    {
        cli.Write("file", "");
        Cli.Run("train", "--input", "none.csv", "--out", cli.At(folder)).FailsWith(1, words);
        Cli.Run("import", "none", "--out", cli.At(folder)).FailsWith(1, words);
    }

    [Theory]
    [InlineData("--input: names nothing", "train", "--input", "", "--out", "m/1")]
    [InlineData("--out: names nothing", "train", "--input", "none.csv", "--out", "")]
    [InlineData("PART: names nothing", "join", "")]
    [InlineData("--rate: is for 'vocoder'", "train", "--input", "none.csv", "--out", "m/1", "--rate", "8000")]
    [InlineData("--rate: is for 'vocoder'", "train", "--input", "none.csv", "--out", "m/1", "--rate", "8000", "--flow", "nsf")]
    public void Wrong_usage(string words, params string[] arguments) => Cli.Run(arguments).FailsWith(2, words);

    [Fact]
    public void Constant_columns_are_left_out_or_refused_by_name()
    {
        string[] lines = File.ReadAllLines(cli.WriteTable("plain.csv"));
        cli.Write("constant.csv", string.Join('\n', lines.Select((line, i) => i == 0 ? $"{line},height" : $"{line},1.5")));
        cli.Write("large.csv", string.Join('\n', lines.Select((line, i) => i == 0 ? $"{line},serial" : $"{line},{(1L << 60) + i % 100}")));
        Cli.Run("train", "--input", cli.At("large.csv"), "--drop-constant", "false", "--out", cli.At("m/1")).FailsWith(1, "column 'serial': the values are too large to be told apart in float64");
        Cli.Run("train", "--input", cli.At("constant.csv"), "--drop-constant", "false", "--out", cli.At("m/1")).FailsWith(1, "column 'height'", "same value", "--drop-constant");
        Assert.False(Directory.Exists(cli.At("m")));

        Outcome dropped = Cli.Run("train", "--input", cli.At("constant.csv"), "--epochs", "1", "--layers", "1", "--hidden", "4", "--out", cli.At("m/1"));
        Assert.True(dropped.Code == 0, dropped.Error);
        Assert.Contains("warning: column 'height': every row has the same value, so that it is left out", dropped.Error, StringComparison.Ordinal);
        // The same file is scored as it is.
        Outcome scored = Cli.Run("logprob", "--model", cli.At("m/1"), "--input", cli.At("constant.csv"));
        Assert.True(scored.Code == 0, scored.Error);
        Assert.Equal(lines.Length, scored.Output.Trim().Split('\n').Length);
        // What was chosen learned from the validation rows too, as by default.
        Assert.Contains("Then it was trained as long on the validation rows too", File.ReadAllText(cli.At("m/1/README.md")), StringComparison.Ordinal);
    }

    [Fact]
    public void Columns_on_a_grid_are_dequantised_as_they_are_asked_to_be()
    {
        string[] lines = File.ReadAllLines(cli.WriteTable("plain.csv"));
        cli.Write("counts.csv", string.Join('\n', lines.Select((line, i) => i == 0 ? $"{line},\"sold|returned\",rate" : $"{line},{i * 7 % 12 * 5 + 2},{string.Create(CultureInfo.InvariantCulture, $"{i * 5 % 8 * 0.25}")}")));
        foreach (string choice in new[] { "auto", "all", "none" })
        {
            Outcome outcome = Cli.Run("train", "--input", cli.At("counts.csv"), "--flow", "simple", "--epochs", "2", "--dequantize", choice, "--out", cli.At($"{choice}/1"));
            Assert.True(outcome.Code == 0, outcome.Error);
            Assert.Equal(choice == "auto", outcome.Error.Contains("column 'rate': its values lie in steps of 0.25", StringComparison.Ordinal));
        }
        var steps = Assert.IsType<FlowCore.Bijections.DequantizeSpec>(Checkpoint.Read(cli.At("auto/1")).Spec.Bijections[0]).Steps;
        Assert.Equal([0, 0, 5, 0], steps);
        Assert.Equal([0, 0, 5, 0.25], Assert.IsType<FlowCore.Bijections.DequantizeSpec>(Checkpoint.Read(cli.At("all/1")).Spec.Bijections[0]).Steps);
        Assert.DoesNotContain(Checkpoint.Read(cli.At("none/1")).Spec.Bijections, spec => spec is FlowCore.Bijections.DequantizeSpec);
        string card = File.ReadAllText(cli.At("auto/1/README.md"));
        Assert.Matches(@"\| a \| continuous \| 2\.\d \| 2\.\d % of the rows \| standardised \|", card);
        Assert.Matches(@"\| sold\\\|returned \| in steps of 5 \| 1\.\d \| \d+\.\d % of the rows \| dequantised by 5, standardised \|", card);
        Assert.Contains("belongs to the nearest: round it", card, StringComparison.Ordinal);
        Assert.Contains("p-values are of `combined`", card, StringComparison.Ordinal);
        Assert.Contains("units of the columns' spread", card, StringComparison.Ordinal);
    }

    [Fact]
    public void Repeated_rows_and_values_are_warned_of_in_the_card()
    {
        string[] lines = File.ReadAllLines(cli.WriteTable("plain.csv"));
        lines = [.. lines.Select((line, i) => i == 0 ? $"{line},flow,alarm,{string.Join(',', Enumerable.Range(1, 14).Select(at => $"e{at}"))}"
            : $"{line},{(i % 5 == 0 ? "0.5" : $"0.{i}123457")},{(i == 20 ? 1 : 0)},{string.Join(',', Enumerable.Range(1, 14).Select(at => i == at ? 1 : 0))}")];
        cli.Write("twice.csv", string.Join('\n', lines.Concat(lines.Skip(1).Take(30))));
        Outcome outcome = Cli.Run("train", "--input", cli.At("twice.csv"), "--flow", "simple", "--epochs", "2", "--out", cli.At("m/1"));
        Assert.Equal((0, ""), (outcome.Code, outcome.Code == 0 ? "" : outcome.Error));
        Assert.Contains("33.3 % of the rows repeat", outcome.Error, StringComparison.Ordinal);
        string card = File.ReadAllText(cli.At("m/1/README.md"));
        Assert.Contains("33.3 % of the rows repeat", card, StringComparison.Ordinal);
        Assert.Contains("column 'alarm': 97.8 % of the rows have the same value, so that the others are strange", card, StringComparison.Ordinal);
        Assert.Contains("likewise column 'e4', column 'e5', column 'e6', column 'e7', column 'e8', column 'e9', column 'e10', column 'e11' and 3 more columns", card, StringComparison.Ordinal);
        Assert.Contains("column 'flow': 20.0 % of the rows have the same value, among others that vary", card, StringComparison.Ordinal);
    }

    [Fact]
    public void Cancelling_keeps_the_best_so_far()
    {
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Outcome outcome = Cli.Run(stop.Token, "train", "--input", cli.WriteTable(), "--flow", "simple", "--epochs", "1000", "--out", cli.At("m/1"));
        Assert.Equal(0, outcome.Code);
        Assert.Contains("stopped by request", outcome.Output, StringComparison.Ordinal);
        foreach (EngineKind kind in (EngineKind[])[EngineKind.Auto, EngineKind.Compiled, EngineKind.Torch])
            Engine.Open<float>(Checkpoint.Read(cli.At("m/1")), kind).Dispose();
    }

    [Fact]
    public void One_feature_and_too_few_rows_are_refused_clearly()
    {
        cli.Write("one.csv", "a\n" + string.Join('\n', Enumerable.Range(0, 30).Select(i => $"{i}.5")));
        Cli.Run("train", "--input", cli.At("one.csv"), "--flow", "nsf", "--out", cli.At("m/1")).FailsWith(1, "at least 2 features");
        Cli.Run("train", "--input", cli.WriteTable("few.csv", rows: 5), "--out", cli.At("m/1")).FailsWith(1, "5 rows are too few", "20");
        Cli.Run("train", "--input", cli.WriteTable("few.csv", rows: 5), "--out", "/proc/no/1").FailsWith(1, "cannot be written", "/proc");
        cli.Write("codes.csv", "a,code\n" + string.Join('\n', Enumerable.Range(0, 60).Select(row => $"{row * row % 17},{Math.Max(row, 3)}")));
        Cli.Run("train", "--input", cli.At("codes.csv"), "--categorical", "code", "--out", cli.At("m/1")).FailsWith(1, "60 rows have 57 categories of 'code'", "leave it out with --exclude");
    }

    [Theory]
    [InlineData("", "row 7, column 'b' is empty", "Rows that lack a value must be left out of the file, or filled in")]
    [InlineData("$3.50", "row 7, column 'b' is '$3.50'", "amounts are read without currency, percent sign and thousands separators")]
    [InlineData("2024-05-01", "row 7, column 'b' is '2024-05-01'", "Dates and times are not read")]
    [InlineData("1e300", "row 7, column 'b' is 1E+300", "choose another unit, or leave out the row, or the column by --exclude")]
    public void What_cannot_be_learned_from_is_refused_with_its_place_and_what_to_do(string cell, string place, string remedy)
    {
        string[] lines = File.ReadAllLines(cli.WriteTable());
        lines[8] = $"0.5,{cell}";
        Cli.Run("train", "--input", cli.Write("odd.csv", string.Join('\n', lines)), "--out", cli.At("m/1")).FailsWith(1, place, remedy);
    }

    [Theory]
    [InlineData("--epochs", "0")]
    [InlineData("--epochs", "many")]
    [InlineData("--max-time", "soon")]
    [InlineData("--lr", "-1")]
    [InlineData("--flow", "glow2")]
    [InlineData("--dequantize", "yes")]
    public void Wrong_usage_ends_with_2_and_names_the_option(string option, string value) =>
        Cli.Run("train", "--input", "x.csv", "--out", "m/1", option, value).FailsWith(2, option.TrimStart('-') is "flow" or "dequantize" ? value : option);

    [Fact]
    public void The_time_limit_ends_training()
    {
        Outcome outcome = Cli.Run("train", "--input", cli.WriteTable(), "--flow", "nsf", "--epochs", "100000", "--max-time", "1s", "--layers", "1", "--out", cli.At("m/1"));
        Assert.Equal(0, outcome.Code);
        Assert.Matches("the time was up|did not gain", outcome.Output);
    }

    private static byte[] Weights(string folder) => File.ReadAllBytes(Path.Combine(folder, Checkpoint.WeightsFile));

    /// <summary>What was written when it was first flushed.</summary>
    private sealed class Flushes : StringWriter
    {
        public string? First { get; private set; }

        public override void Flush() => First ??= ToString();
    }
}
