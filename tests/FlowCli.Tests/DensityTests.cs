using System.Globalization;
using FlowCore.Densities;
using FlowCore.Training;

namespace FlowCli.Tests;

/// <summary>Tables whose rows have no density are refused by the names of the columns.</summary>
public sealed class DensityTests : IDisposable
{
    private const int Rows = 80;

    private readonly Cli cli = new();

    public void Dispose() => cli.Dispose();

    [Theory]
    [InlineData("sum", "column 'c' is determined by 'a' and 'b' (c = 1 a + 1 b)", "--exclude c")]
    [InlineData("offset sum", "column 'c' is determined by 'a' and 'b' (c = 2 a - 1 b + 7)", "--exclude c")]
    [InlineData("inch", "column 'c' is determined by 'a' (c = 0.3937 a)", "--exclude c")]
    [InlineData("shares", "column 'c' is determined by 'a' and 'b' (c = -1 a - 1 b + 1)", "--exclude c")]
    [InlineData("twice", "column 'c' is determined by 'b' (c = 1 b)", "--exclude c")]
    [InlineData("rounded", "column 'c' is determined by 'a' (c = 0.", "--exclude c")]
    [InlineData("integers", "column 'c' is determined by 'a' and 'b' (c = 1 a + 1 b)", "--exclude c")]
    [InlineData("far", "column 'c' is determined by 'a' and 'b' (c = 1 a + 1 b)", "--exclude c")]
    public void A_determined_column_is_refused_by_name_with_its_rule(string kind, string rule, string remedy)
    {
        string data = Write(kind switch
        {
            "sum" => (a, b, _) => [a, b, a + b],
            "offset sum" => (a, b, _) => [a, b, 2 * a - b + 7],
            "inch" => (a, b, _) => [a, b, a / 2.54],
            "shares" => (a, b, _) => [0.3 + a / 100, 0.3 + b / 100, 0.4 - a / 100 - b / 100],
            "twice" => (a, b, _) => [a, b, b],
            "rounded" => (a, b, _) => [Math.Round(170 + 10 * a, 2), b, Math.Round((170 + 10 * a) / 2.54, 2)],
            "integers" => (a, b, _) => [Math.Round(50 * a), Math.Round(50 * b), Math.Round(50 * a) + Math.Round(50 * b)],
            _ => (a, b, _) => [1e6 + a, b, 1e6 + a + b],
        });

        Cli.Run("train", "--input", data, "--out", cli.At("m/1")).FailsWith(1, rule, remedy);
    }

    [Theory]
    [InlineData("noise of a thousandth")]
    [InlineData("a code for missing values")]
    [InlineData("rounded integers")]
    public void What_is_only_nearly_determined_is_trained(string kind)
    {
        Table table = TableOf(kind switch
        {
            "noise of a thousandth" => (a, b, c) => [a, b, a + b + 1e-3 * c],
            "a code for missing values" => (a, b, c) => a > 1.2 ? [-999999, -999999, c] : [a, b, c],
            _ => (a, b, _) => [Math.Round(170 + 10 * a), b, Math.Round((170 + 10 * a) / 2.54)],
        });

        Assert.Empty(LinearDependence.Find(table));
    }

    [Fact]
    public void Every_rule_of_a_table_is_found_at_once()
    {
        List<LinearRule> rules = LinearDependence.Find(TableOf((a, b, c) => [a, 2 * a, b, c, a - b, b + c]));

        Assert.Equal([1, 4, 5], rules.Select(rule => rule.Column));
        Assert.Equal(["column 1", "column 3"], rules[1].Terms.Select(term => term.Column));
        Assert.Equal([1.0, -1.0], rules[1].Terms.Select(term => Math.Round(term.Factor, 9)));
    }

    [Fact]
    public void A_feature_that_its_context_determines_is_refused()
    {
        string data = Write((a, b, _) => [a, b, 3 * a - 2]);
        Cli.Run("train", "--input", data, "--context", "a", "--out", cli.At("m/1")).FailsWith(1, "column 'c' is determined by 'a' (c = 3 a - 2)");
        string classes = Write((a, b, _) => [a > 0 ? 1 : 0, b, a > 0 ? 5 : 2]);
        Cli.Run("train", "--input", classes, "--context-class", "a", "--out", cli.At("m/1")).FailsWith(1, "column 'c' is determined by 'class 1' (c = 3 class 1 + 2)");
    }

    [Fact]
    public void A_column_that_names_its_rows_is_no_category_and_one_that_is_left_out_is_none_either()
    {
        string data = Write((a, b, _) => [a, b, 1]);
        string names = cli.Write("names.csv", string.Join('\n', File.ReadAllLines(data).Select((line, i) => $"{line},{(i == 0 ? "id" : $"n{i / 2}")}")));

        Cli.Run("train", "--input", data, "--categorical", "a", "--out", cli.At("m/1")).FailsWith(1, "80 rows have 80 categories of 'a', hardly one", "leave it out with --exclude");
        Cli.Run("train", "--input", names, "--categorical", "a,id", "--out", cli.At("m/1")).FailsWith(1, "80 rows have 80 categories of 'a' and 'id'");
        Cli.Run("train", "--input", names, "--categorical", "id", "--exclude", "b,id", "--out", cli.At("m/1")).FailsWith(1, "'id' cannot be left out and also be a context");
    }

    [Fact]
    public void Too_few_rows_have_a_sentence_of_their_own()
    {
        var noise = new double[25 * 30];
        Noise.FillNormal(1, 0, 30, noise.AsSpan());
        string data = cli.Write("wide.csv", string.Join(',', Enumerable.Range(0, 30).Select(i => $"x{i}")) + "\n"
            + string.Join('\n', noise.Chunk(30).Select(row => string.Join(',', row.Select(value => value.ToString("R", CultureInfo.InvariantCulture))))));

        Cli.Run("train", "--input", data, "--out", cli.At("m/1")).FailsWith(1, "25 rows of 30 columns", "more rows than columns are needed");
    }

    [Theory]
    [InlineData("a,b\n", "no rows")]
    [InlineData("a,b\n1,\"2\n3,4\n", "")]
    public void No_rows_is_an_error_of_one_line(string text, string reason)
    {
        Outcome outcome = Cli.Run("train", "--input", cli.Write("none.csv", text), "--out", cli.At("m/1"));

        outcome.FailsWith(1, reason);
        Assert.Single(outcome.Error.TrimEnd().Split('\n'));
    }

    [Fact]
    public void A_label_that_leaves_no_row_is_an_error_of_one_line()
    {
        string data = Write((a, b, _) => [a, b, 1]);

        Cli.Run("train", "--input", data, "--label", "c", "--out", cli.At("m/1")).FailsWith(1, "no rows to train on", "80 rows whose label is not 0 are left out");
    }

    [Fact]
    public void A_column_that_counts_the_rows_is_warned_of()
    {
        int row = 0;
        string data = Write((a, b, _) => [++row, a, b]);

        Outcome outcome = Cli.Run("train", "--input", data, "--flow", "simple", "--epochs", "2", "--out", cli.At("m/1"));

        Assert.Equal(0, outcome.Code);
        Assert.Contains("column 'a': its values count the rows, as an id does", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("--exclude a", outcome.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("column 'b'", outcome.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1e37, "float32 cannot hold")]
    [InlineData(1e-60, "float32 cannot hold")]
    public void Values_beyond_float32_are_refused(double unit, string reason) =>
        Cli.Run("train", "--input", Write((a, b, c) => [a, b, unit * c]), "--out", cli.At("m/1")).FailsWith(1, "column 'c'", reason);

    private static Table TableOf(Func<double, double, double, double[]> row)
    {
        var noise = new double[Rows * 3];
        Noise.FillNormal(4, 0, 3, noise.AsSpan());
        double[][] rows = [.. noise.Chunk(3).Select(values => row(values[0], values[1], values[2]))];
        return new([.. rows.SelectMany(values => values)], rows[0].Length);
    }

    private string Write(Func<double, double, double, double[]> row)
    {
        Table table = TableOf(row);
        IEnumerable<string> lines = Enumerable.Range(0, Rows).Select(i => string.Join(',', table.Row(i).ToArray().Select(value => value.ToString("R", CultureInfo.InvariantCulture))));
        return cli.Write("data.csv", "a,b,c\n" + string.Join('\n', lines));
    }
}
