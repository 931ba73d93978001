using System.Globalization;
using System.IO.Compression;
using System.Text;

namespace FlowCli.Tests;

/// <summary>Rows from files, pipelines and compressed ones, with their contexts wherever these are, in bounded memory.</summary>
public sealed class RowPipelineTests : IDisposable
{
    private readonly Cli cli = new();

    public void Dispose() => cli.Dispose();

    [Fact]
    public void The_standard_input_and_output_are_files_too()
    {
        byte[] rows = "x,y\n0,1\n1.5,2\n"u8.ToArray();
        string expected = Ok("logprob", "--model", Cli.TwoMoons, "--input", cli.Write("rows.csv", Encoding.UTF8.GetString(rows)));
        File.WriteAllBytes(cli.At("rows.csv.gz"), Packed(rows));

        Assert.Equal(expected, Ok("logprob", "--model", Cli.TwoMoons, "--input", cli.At("rows.csv.gz")));
        Assert.Equal(expected, Piped(rows, "logprob", "--model", Cli.TwoMoons, "--input", "-", "--output", "-"));
        Assert.Equal(expected, Piped(Packed(rows), "logprob", "--model", Cli.TwoMoons, "--input", "-"));
        Assert.Equal(expected, Piped("""{"x":[[0,1],[1.5,2]]}"""u8.ToArray(), "logprob", "--model", Cli.TwoMoons, "--input", "-"));
    }

    [Fact]
    public void Every_format_of_samples_comes_back_as_rows()
    {
        string expected = Ok("logprob", "--model", Cli.TwoMoons, "--input", Sampled("s.csv"));
        foreach (string name in (string[])["s.npy", "s.arrow", "s.arrows", "s.feather", "s.csv.gz", "s.arrow.gz"])
            Assert.Equal(expected, Ok("logprob", "--model", Cli.TwoMoons, "--input", Sampled(name)));
    }

    [Fact]
    public void A_model_without_a_version_is_its_newest_one()
    {
        string rows = cli.Write("rows.csv", "x,y\n0,1\n"), moons = Path.GetDirectoryName(Cli.TwoMoons)!;

        Assert.Equal(Ok("logprob", "--model", Cli.TwoMoons, "--input", rows), Ok("logprob", "--model", moons, "--input", rows));
        Assert.Contains("\"version\":1,", Ok("logprob", "--model", moons, "--input", rows, "--output-format", "json"), StringComparison.Ordinal);
        Cli.Run("logprob", "--model", moons, "--input", rows, "--output", rows).FailsWith(1, "same file as --input");
    }

    [Fact]
    public void A_context_is_a_file_a_single_row_values_or_columns_of_the_rows()
    {
        string data = cli.Write("data.csv", "y,c\n" + string.Concat(Enumerable.Range(0, 60).Select(i =>
            string.Create(CultureInfo.InvariantCulture, $"{Math.Sin(i * 0.7) + 0.3 * Math.Cos(i * 1.9):F4},{Math.Cos(i * 1.3):F4}\n"))));
        string two = cli.Write("two.csv", File.ReadAllText(data));
        Assert.Equal(0, Cli.Run("train", "--input", Wide(two), "--context", "c", "--flow", "realnvp", "--layers", "2", "--hidden", "8", "--epochs", "2",
            "--out", cli.At("m/1")).Code);
        string rows = cli.Write("rows.csv", "y,y2\n0.5,1\n0.1,2\n"), model = cli.At("m/1");

        string single = Ok("logprob", "--model", model, "--input", rows, "--context", cli.Write("one.csv", "c\n0.7\n"));
        Assert.Equal(single, Ok("logprob", "--model", model, "--input", rows, "--context", cli.Write("each.csv", "c\n0.7\n0.7\n")));
        Assert.Equal(single, Ok("logprob", "--model", model, "--input", rows, "--context-values", "0.7"));
        Assert.Equal(single, Ok("logprob", "--model", model, "--input", cli.Write("all.csv", "c,y2,y\n0.7,1,0.5\n0.7,2,0.1\n")));
        Cli.Run("logprob", "--model", model, "--input", rows, "--context", cli.Write("three.csv", "c\n1\n2\n3\n")).FailsWith(1, "has more rows than");
        Cli.Run("logprob", "--model", model, "--input", rows, "--context-values", "1,2").FailsWith(1, "has 2 values", "takes 1");
        Cli.Run("logprob", "--model", model, "--input", rows).FailsWith(1, "column 'c' is missing");
    }

    [Fact]
    public void Columns_to_train_on_are_chosen_and_others_are_not_looked_at()
    {
        string data = cli.Write("named.csv", ",name,a,b,when\n" + string.Concat(Enumerable.Range(0, 60).Select(i =>
            string.Create(CultureInfo.InvariantCulture, $"{i},n{i},{Math.Sin(i * 0.7):F4},{Math.Cos(i * 1.3) + 0.2 * Math.Sin(i * 2.9):F4},2024-01-{i % 28 + 1:00}\n"))));
        string[] quick = ["--flow", "realnvp", "--layers", "2", "--hidden", "8", "--epochs", "2"];

        Cli.Run(["train", "--input", data, "--columns", "a,b,name", "--out", cli.At("t/1"), .. quick]).FailsWith(1, "column 'name' is 'n0'", "--exclude");
        Cli.Run(["train", "--input", data, "--exclude", "name,when", "--out", cli.At("t/1"), .. quick]).FailsWith(1, "has no name", "--columns");
        Cli.Run(["train", "--input", data, "--columns", "a,b", "--exclude", "name", "--out", cli.At("t/1"), .. quick]).FailsWith(2, "--columns and --exclude");
        Outcome chosen = Cli.Run(["train", "--input", data, "--columns", "b,a", "--out", cli.At("t/1"), .. quick]);

        Assert.True(chosen.Code == 0, chosen.Error);
        Assert.Equal(["b", "a"], FlowCore.Checkpoints.Checkpoint.Read(cli.At("t/1")).Spec.Features!);
        string scored = Ok("logprob", "--model", cli.At("t/1"), "--input", data, "--ignore-extra");
        Assert.Equal(61, scored.TrimEnd('\n').Split('\n').Length);
    }

    [Fact]
    public void A_header_of_numbers_is_never_learned_as_a_row()
    {
        string data = cli.Write("pandas.csv", "0,1\n" + string.Concat(Enumerable.Range(0, 60).Select(i =>
            string.Create(CultureInfo.InvariantCulture, $"{Math.Sin(i * 0.7):F4},{Math.Cos(i * 1.3):F4}\n"))));
        string[] train = ["train", "--input", data, "--flow", "realnvp", "--layers", "2", "--hidden", "8", "--epochs", "1"];

        Cli.Run([.. train, "--out", cli.At("p/1")]).FailsWith(1, "header or a row", "--header");
        Assert.Equal(0, Cli.Run([.. train, "--header", "yes", "--out", cli.At("p/1")]).Code);
        Assert.Equal(["0", "1"], FlowCore.Checkpoints.Checkpoint.Read(cli.At("p/1")).Spec.Features!);
        Assert.Equal(0, Cli.Run([.. train, "--header", "no", "--out", cli.At("q/1")]).Code);
        Assert.Null(FlowCore.Checkpoints.Checkpoint.Read(cli.At("q/1")).Spec.Features);
    }

    [Fact]
    public void A_million_rows_pass_in_bounded_memory()
    {
        const int rows = 1_000_000;
        using (var file = new StreamWriter(cli.At("many.csv")))
        {
            file.Write("x,y,id\n");
            for (int i = 0; i < rows; i++)
                file.Write(string.Create(CultureInfo.InvariantCulture, $"{i % 7 * 0.1},{i % 11 * 0.1},{i}\n"));
        }
        long before = GC.GetTotalAllocatedBytes();
        Assert.Empty(Ok("logprob", "--model", Cli.TwoMoons, "--input", cli.At("many.csv"), "--keep", "id", "--output", cli.At("scores.csv")));
        long allocated = GC.GetTotalAllocatedBytes() - before;

        string[] last = File.ReadLines(cli.At("scores.csv")).Last().Split(',');
        Assert.Equal($"{rows - 1}", last[0]);
        // The file has 17 MB; what is held at once is a block of 8192 rows, and what is allocated is a few bytes a row.
        Assert.True(allocated < 200L * rows, $"{allocated} bytes");
    }

    private string Wide(string data)
    {
        string[] lines = File.ReadAllLines(data);
        return cli.Write("wide.csv", "y,y2,c\n" + string.Concat(lines.Skip(1).Select((line, i) =>
            string.Create(CultureInfo.InvariantCulture, $"{line.Split(',')[0]},{Math.Sin(i * 2.3):F4},{line.Split(',')[1]}\n"))));
    }

    private string Sampled(string name)
    {
        Ok("sample", "--model", Cli.TwoMoons, "--count", "20", "--seed", "3", "--output", cli.At(name));
        return cli.At(name);
    }

    private static byte[] Packed(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal, leaveOpen: true))
            gzip.Write(bytes);
        return packed.ToArray();
    }

    private static string Piped(byte[] input, params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        using var stream = new MemoryStream(input);
        int code = FlowCommand.Run(arguments, output, error, input: stream);
        Assert.True(code == 0, error.ToString());
        return output.ToString();
    }

    private static string Ok(params string[] arguments)
    {
        Outcome outcome = Cli.Run(arguments);
        Assert.True(outcome.Code == 0, outcome.Error);
        return outcome.Output;
    }
}
