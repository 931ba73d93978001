using FlowCli.Rows;

namespace FlowCli.Tests;

public sealed class ScoreCommandTests : IDisposable
{
    private readonly Cli cli = new();
    private readonly string model;

    public ScoreCommandTests()
    {
        model = cli.TrainSmall();
        Assert.Equal(0, Cli.Run("calibrate", "--model", model, "--input", cli.WriteTable("ordinary.csv", 500, 11)).Code);
    }

    public void Dispose() => cli.Dispose();

    [Fact]
    public void The_columns_of_the_file_pass_through_and_a_bad_row_says_why()
    {
        string file = cli.Write("rows.csv", "id,b,when,a\nx1,0.1,2026-01-01,0.2\n\"x,2\",nothing,2026-01-02,0.2\nx3,50,2026-01-03,-40\n");

        string[] lines = Score(file, "--alpha", "0.01", "--explain", "1").TrimEnd('\n').Split('\n');

        Assert.Equal("id,b,when,a,log_prob,p_value,q_value,anomaly,reason_1,error", lines[0]);
        Assert.Contains(",reason_1,reason_2,error", Score(file, "--alpha", "0.01", "--explain", "9").Split('\n')[0], StringComparison.Ordinal); // two features, two reasons
        Assert.StartsWith("x1,0.1,2026-01-01,0.2,", lines[1], StringComparison.Ordinal);
        Assert.EndsWith(",false,,", lines[1], StringComparison.Ordinal);
        Assert.StartsWith("\"x,2\",nothing,2026-01-02,0.2,nan,nan,nan,,,", lines[2], StringComparison.Ordinal);
        Assert.Contains("'nothing'", lines[2], StringComparison.Ordinal);
        Assert.Contains(",0.001996008,", lines[3], StringComparison.Ordinal); // 1 / 501
        Assert.Contains(",true,", lines[3], StringComparison.Ordinal);
        Assert.Contains(" nats; ", lines[3], StringComparison.Ordinal);
    }

    [Fact]
    public void The_summary_says_whether_the_rows_are_ordinary_together()
    {
        string same = Cli.Run("score", "--model", model, "--input", cli.WriteTable("same.csv", 400, 12)).Error.TrimEnd().Split('\n')[^1];
        string central = Cli.Run("score", "--model", model, "--input", cli.Write("central.csv", "a,b\n" + string.Concat(Enumerable.Repeat("0.01,0.02\n", 40)))).Error.TrimEnd().Split('\n')[^1];

        Assert.StartsWith("400 rows, mean log density ", same, StringComparison.Ordinal);
        Assert.InRange(PValue(same), 0.01, 1);
        Assert.InRange(PValue(central), 0, 0.005); // each of them is as ordinary as can be

        static double PValue(string error) =>
            double.Parse(error[(error.IndexOf("p = ", StringComparison.Ordinal) + 4)..].Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);
    }

    [Fact]
    public void The_parts_of_a_file_are_the_whole_to_the_bit()
    {
        string file = cli.WriteTable("many.csv", 20001, 17);
        string whole = Score(file, "--include", "p_value", "attribution", "--alpha", "0.01");
        string[] header = [whole[..(whole.IndexOf('\n', StringComparison.Ordinal) + 1)]];

        string joined = string.Concat(Enumerable.Range(0, 3).Select(i => Score(file, "--include", "p_value,attribution", "--alpha", "0.01", "--shard", $"{i}/3")[header[0].Length..]));

        Assert.Equal(whole, header[0] + joined);
    }

    [Fact]
    public void The_q_values_of_a_file_that_is_read_in_blocks_are_those_of_the_definition()
    {
        string scored = Score(cli.WriteTable("many.csv", 20001, 17), "--include", "p_value", "q_value");
        double[] p = Cli.Columns(Without(scored, "anomaly", "error"), "p_value"), q = Cli.Columns(Without(scored, "anomaly", "error"), "q_value");
        double[] sorted = [.. p.Order()];
        double[] least = new double[sorted.Length + 1];
        least[^1] = 1;
        for (int j = sorted.Length; j > 0; j--)
            least[j - 1] = Math.Min(least[j], sorted[j - 1] * sorted.Length / j);

        for (int row = 0; row < p.Length; row += 97)
            Assert.Equal(least[Array.BinarySearch(sorted, p[row]) is var at && at >= 0 ? Array.IndexOf(sorted, p[row]) : 0], q[row], 1e-5);
    }

    [Theory]
    [InlineData("--shard", "3/3", 2, "i/n")]
    [InlineData("--shard", "x", 2, "i/n")]
    [InlineData("--alpha", "1.5", 1, "below 1")]
    [InlineData("--explain", "0", 2, "at least 1")]
    public void What_cannot_be_scored_says_what_to_change(string option, string value, int code, string words) =>
        Cli.Run("score", "--model", model, "--input", cli.WriteTable(), option, value).FailsWith(code, words);

    [Fact]
    public void The_parts_of_a_file_are_joined_to_the_whole_with_its_q_values()
    {
        string[] lines = File.ReadAllLines(cli.WriteTable("many.csv", 20001, 17));
        lines[3] = "0.5,";
        lines[9000] = "x,1";
        string file = cli.Write("odd.csv", string.Join('\n', lines) + "\n"), whole = cli.At("whole.ndjson"), joined = cli.At("joined.ndjson");
        string[] options = ["--alpha", "0.01", "--explain", "1", "--missing", "marginalize"];
        string[] parts = [.. Enumerable.Range(0, 3).Select(i => cli.At($"{i}.part"))];
        for (int i = 0; i < 3; i++)
            Run(["score", "--model", model, "--input", file, "--output", parts[i], "--shard", $"{i}/3", .. options]);
        Run(["score", "--model", model, "--input", file, "--output", whole, .. options]);
        Run("join", parts[2], parts[0], parts[1], "--output", joined);

        Assert.Equal(File.ReadAllBytes(whole), File.ReadAllBytes(joined));
        Assert.Equal(Score(file, options), Cli.Run(["join", .. parts]).Output);
        Cli.Run("join", parts[0], parts[2]).FailsWith(1, "2/3", "6667", "missing");
        Cli.Run("join", parts[0], parts[1]).FailsWith(1, "1/3", "not the last");
        Cli.Run("join", parts[0], parts[0], parts[1], parts[2]).FailsWith(1, "0/3");
        Cli.Run("join", file).FailsWith(1, $"{file}: is no part of a scored file, or is damaged: flow score --shard i/n --output NAME.part writes such");
        Cli.Run(["join", .. parts, "--output-format", "json"]).FailsWith(1, "whole");
        Cli.Run("join", file).FailsWith(1, "no part");
        Run(["score", "--model", model, "--input", file, "--output", parts[1], "--shard", "1/3", .. options, "--dtype", "float64"]);
        Cli.Run(["join", .. parts]).FailsWith(1, "something else");

        string few = cli.WriteTable("few.csv", 60, 12);
        Run("score", "--model", model, "--input", few, "--output", parts[0], "--shard", "0/2");
        Run("calibrate", "--model", model, "--input", cli.WriteTable("others.csv", 500, 13));
        Run("score", "--model", model, "--input", few, "--output", parts[1], "--shard", "1/2");
        Cli.Run("join", parts[0], parts[1]).FailsWith(1, "1.part", "another calibration");
    }

    [Fact]
    public void A_part_that_does_not_wait_for_the_others_has_no_q_values()
    {
        Cli.Run("score", "--model", model, "--input", cli.WriteTable(), "--shard", "0/2", "--include", "q_value").FailsWith(2, "all rows", "flow join");
        Cli.Run("score", "--model", model, "--input", cli.WriteTable(), "--output", cli.At("x.part")).FailsWith(2, "--shard");
        Cli.Run("score", "--model", model, "--input", cli.WriteTable(), "--shard", "0/100").FailsWith(1, "empty", "fewer parts");
    }

    [Fact]
    public void A_model_that_was_not_calibrated_says_how_it_is()
    {
        string other = cli.TrainSmall("other");
        File.Delete(Path.Combine(other, "calibration.safetensors"));

        Cli.Run("score", "--model", other, "--input", cli.WriteTable()).FailsWith(1, "alpha", "flow calibrate");
        Cli.Run("logprob", "--model", other, "--input", cli.WriteTable(), "--include", "p_value").FailsWith(1, "p_value", "flow calibrate");
    }

    [Fact]
    public void A_calibration_that_is_too_small_is_said_to_be()
    {
        Assert.Equal(0, Cli.Run("calibrate", "--model", model, "--input", cli.WriteTable("few.csv", 60, 12)).Code);

        Outcome impossible = Cli.Run("score", "--model", model, "--input", cli.WriteTable(), "--alpha", "0.01");
        Outcome barely = Cli.Run("score", "--model", model, "--input", cli.WriteTable(), "--alpha", "0.05");

        Assert.Contains("at least 99 rows", impossible.Error, StringComparison.Ordinal);
        Assert.Contains("200 rows or more", barely.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("true", impossible.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void The_second_score_is_calibrated_too()
    {
        string file = cli.Write("rows.csv", "a,b\n0,0\n30,-30\n");

        double[] p = Cli.Columns(Without(Score(file, "--score", "latent_norm2"), "anomaly", "error"), "p_value");

        Assert.True(p[0] > 0.5 && p[1] < 0.01);
    }

    [Theory, InlineData("parquet"), InlineData("arrow"), InlineData("ndjson")]
    public void A_table_is_scored_alike_in_any_format(string extension)
    {
        string[] files = [.. new[] { "csv", extension }.Select(each => cli.At($"rows.{each}"))];
        foreach (string file in files)
            Run("sample", "--model", model, "--count", "9000", "--seed", "3", "--temperature", "1.5", "--output", file);

        string there = cli.At($"there.{extension}");
        Run("score", "--model", model, "--input", files[1], "--output", there, "--explain", "1");

        Assert.Equal(Score(files[0], "--explain", "1"), Score(files[1], "--explain", "1"));
        Assert.Equal(Score(files[0]), Score(there)); // the columns of the first answer do not pass through
    }

    // With m reference rows and k fresh ones the realised rate has the variance of a Beta distribution and of a binomial one.
    [Theory, InlineData(0.05), InlineData(0.1), InlineData(0.3)]
    public void Of_ordinary_rows_that_lack_a_value_about_alpha_are_flagged(double alpha)
    {
        const int m = 375, k = 3000; // a quarter of the 500 rows lend values
        string[] lines = File.ReadAllLines(cli.WriteTable("fresh.csv", k, 23));
        string lacking = cli.Write("lacking.csv", string.Join('\n', lines.Select((line, i) => i == 0 ? line : $",{line.Split(',')[1]}")) + "\n");

        double rate = Cli.Columns(Without(Score(lacking, "--missing", "marginalize"), "a", "anomaly", "error"), "p_value").Count(p => p <= alpha) / (double)k;

        double share = Math.Floor(alpha * (m + 1)) / (m + 1), deviation = Math.Sqrt(share * (1 - share) * (1.0 / (m + 2) + 1.0 / k));
        Assert.InRange(rate, share - 3 * deviation, share + 3 * deviation);
    }

    [Fact]
    public void Progress_is_told_in_rows_and_in_time() =>
        Assert.Equal("250,000 rows  50,000 rows/s  15s left", RowProgress.Describe(250_000, 0.25, TimeSpan.FromSeconds(5)));

    private static void Run(params string[] arguments)
    {
        Outcome outcome = Cli.Run(arguments);
        Assert.True(outcome.Code == 0, outcome.Error);
    }

    private string Score(string file, params string[] options)
    {
        Outcome outcome = Cli.Run(["score", "--model", model, "--input", file, .. options]);
        Assert.True(outcome.Code == 0, outcome.Error);
        return outcome.Output;
    }

    private static string Without(string csv, params string[] columns)
    {
        string[] lines = csv.TrimEnd('\n').Split('\n'), names = lines[0].Split(',');
        return string.Join('\n', lines.Select(line => string.Join(',', line.Split(',').Where((_, i) => !columns.Contains(names[i])))));
    }
}
