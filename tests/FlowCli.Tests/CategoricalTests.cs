using System.Globalization;
using Apache.Arrow;
using Apache.Arrow.Ipc;
using FlowCore;
using FlowCore.Checkpoints;

namespace FlowCli.Tests;

/// <summary>Columns of text: two features whose place depends on a colour and on a number that is a category.</summary>
public sealed class CategoricalTests : IDisposable
{
    private static readonly (string Colour, string Grade, double Share, double At)[] Groups = [("red", "1", 0.5, 0), ("red", "2.5", 0.2, 4), ("sea blue", "1", 0.3, -4)];

    private readonly Cli cli = new();
    private readonly string model;

    public CategoricalTests()
    {
        var noise = new double[4000];
        FlowCore.Densities.Noise.FillNormal(5, 0, 2, noise.AsSpan());
        var lines = Enumerable.Range(0, 2000).Select(row =>
        {
            var (colour, grade, _, at) = Groups[row % 10 < 5 ? 0 : row % 10 < 7 ? 1 : 2];
            return string.Create(CultureInfo.InvariantCulture, $"{noise[2 * row] + at:F5},{colour},{noise[2 * row + 1]:F5},{(row % 3 == 0 && grade == "1" ? "1.0" : grade)}");
        });
        string data = cli.Write("data.csv", "a,colour,b,grade\n" + string.Join('\n', lines) + "\n");
        model = cli.At("mixed/1");
        Outcome outcome = Cli.Run("train", "--input", data, "--categorical", "colour,grade", "--flow", "realnvp", "--layers", "2", "--hidden", "8", "--epochs", "20", "--out", model);
        Assert.True(outcome.Code == 0, outcome.Error);
    }

    public void Dispose() => cli.Dispose();

    [Fact]
    public void The_checkpoint_knows_the_categories_their_rows_and_the_columns()
    {
        FlowSpec spec = Checkpoint.Read(model).Spec;

        Assert.Equal(["colour", "grade"], spec.Context!.Categories!.Columns);
        Assert.Equal(["red 1", "red 2.5", "sea blue 1"], spec.Context.Categories.Values.Select(each => string.Join(' ', each)));
        Assert.Equal([1000L, 400, 600], spec.Context.Categories.Rows);
        Assert.Equal(["a", "b"], spec.Features!);
        Assert.All(spec.Training!.Columns!, column => Assert.True(column is { Type: "number", Transform: null } && column.Least < -2 && column.Largest > 2));
        // Given its group a row is normal, with the same covariance in each, as in a linear regression: yardstick and flow count the categories alike.
        double truth = Groups.Sum(group => group.Share * Math.Log(group.Share)) - Math.Log(2 * Math.PI) - 1;
        Assert.Equal(truth, spec.Training.GaussianMeanTestLogLikelihood, 0.2);
        Assert.Equal(truth, spec.Training.MeanTestLogLikelihood, 0.2);
    }

    [Fact]
    public void The_density_of_features_and_categories_sums_to_one()
    {
        const double step = 0.25, from = -10, to = 10;
        double[] axis = [.. Enumerable.Range(0, (int)((to - from) / step)).Select(i => from + (i + 0.5) * step)];
        double[] mass = [.. Groups.Select(group => Cli.Numbers(LogProb(cli.Write("grid.csv", "a,colour,b,grade\n" + string.Concat(axis.SelectMany(a => axis.Select(b =>
            string.Create(CultureInfo.InvariantCulture, $"{a},{group.Colour},{b},{group.Grade}\n"))))))).Sum(Math.Exp) * step * step)];

        Assert.Equal(1, mass.Sum(), 0.01);
        for (int i = 0; i < mass.Length; i++)
            Assert.Equal(Groups[i].Share, mass[i], 0.01);
    }

    [Fact]
    public void Every_format_reads_categories_alike_and_a_number_is_one_however_it_is_written()
    {
        string csv = cli.Write("rows.csv", "grade,b,a,colour\n1,0.5,0.25,red\n1e0,0.5,-4,sea blue\n2.50,0.5,0.25,red\n");
        double[] expected = Cli.Numbers(LogProb(csv));

        Assert.Equal(expected, Cli.Numbers(LogProb(cli.Write("rows.json", """[{"a":0.25,"b":0.5,"colour":"red","grade":1},{"colour":"sea blue","a":-4,"b":0.5,"grade":"1"},{"a":0.25,"b":0.5,"colour":"red","grade":2.5}]"""))));
        string lines = cli.Write("rows.ndjson", "{\"a\":0.25,\"b\":0.5,\"colour\":\"red\",\"grade\":1}\n{\"a\":-4,\"b\":0.5,\"colour\":\"sea\\u0020blue\",\"grade\":\"1.00\"}\n{\"a\":0.25,\"b\":0.5,\"colour\":\"red\",\"grade\":25e-1}\n");
        string arrow = WriteArrow(), parquet = cli.At("rows.parquet");
        Assert.Equal(0, Cli.Run("score", "--model", model, "--input", arrow, "--output", parquet, "--include", "p_value").Code);
        foreach (string same in (string[])[lines, arrow, parquet])
            Assert.Equal(expected, Cli.Numbers(LogProb(same)));
        Assert.Equal(expected, Cli.Numbers(LogProb(cli.Write("values.csv", "a,b\n0.25,0.5\n-4,0.5\n0.25,0.5\n"), "--context", cli.Write("beside.csv", "colour,grade\nred,1\nsea blue,1\nred,2.5\n"))));
    }

    [Fact]
    public void An_unseen_category_is_reported_with_its_row_and_the_others_are_scored()
    {
        string rows = cli.Write("rows.csv", "a,b,colour,grade\n0,0,red,1\n0,0,violet,1\n0,0,sea blue,2.5\n0,0,,1\n");

        Cli.Run("logprob", "--model", model, "--input", rows).FailsWith(1, "row 1", "'colour'", "'violet'", "'red', 'sea blue'");
        string[] lines = Cli.Run("logprob", "--model", model, "--input", rows, "--on-error", "null").Output.TrimEnd('\n').Split('\n');
        Assert.DoesNotContain("nan", lines[1], StringComparison.Ordinal);
        Assert.Contains("no training row has", lines[2], StringComparison.Ordinal);
        Assert.Contains("together", lines[3], StringComparison.Ordinal);
        Assert.Contains("is empty", lines[4], StringComparison.Ordinal);
    }

    [Fact]
    public void A_column_of_text_or_dates_is_refused_with_the_remedy() =>
        Cli.Run("train", "--input", cli.Write("dated.csv", "a,when\n1,2026-01-01\n2,2026-01-02\n"), "--out", cli.At("dated/1"))
            .FailsWith(1, "'when'", "2026-01-01", "--exclude", "--categorical", "day of the week");

    private string WriteArrow()
    {
        RecordBatch rows = new RecordBatch.Builder()
            .Append("grade", nullable: false, each => each.Double(array => array.AppendRange([1, 1, 2.5])))
            .Append("b", nullable: false, each => each.Float(array => array.AppendRange([0.5f, 0.5f, 0.5f])))
            .Append("colour", nullable: false, each => each.String(array => array.AppendRange(["red", "sea blue", "red"])))
            .Append("a", nullable: false, each => each.Float(array => array.AppendRange([0.25f, -4, 0.25f])))
            .Build();
        using FileStream file = File.Create(cli.At("rows.arrow"));
        using var writer = new ArrowStreamWriter(file, rows.Schema);
        writer.WriteRecordBatch(rows);
        writer.WriteEnd();
        return file.Name;
    }

    private string LogProb(string file, params string[] options)
    {
        Outcome outcome = Cli.Run(["logprob", "--model", model, "--input", file, "--ignore-extra", .. options]);
        Assert.True(outcome.Code == 0, outcome.Error);
        return outcome.Output;
    }
}
