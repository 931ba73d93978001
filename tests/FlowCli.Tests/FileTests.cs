using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;
using FlowCli.Rows;
using FlowRows;

namespace FlowCli.Tests;

public sealed class FileTests : IDisposable
{
    // A write there fails as one on a full disk does: once its buffer is flushed.
    private const long BeyondAnyFile = long.MaxValue - 1;

    private readonly Cli cli = new();

    public void Dispose() => cli.Dispose();

    [Theory]
    [InlineData("x,y\n1,2\n3,abc\n", "row 1, column 'y' is 'abc'", "(line 3)")]
    [InlineData("x,y\n1,2\n,4\n", "row 1, column 'x' is empty", "(line 3)")]
    [InlineData("x,y\n1,2\n3\n", "has 1 cells", "(line 3)")]
    [InlineData("x,y\n1,2\n3,4,5\n", "has 3 cells", "(line 3)")]
    [InlineData("x,y\n1,nan\n", "row 0, column 'y' is 'nan'", "finite number")]
    [InlineData("x,y\n1,1e39\n", "row 0, column 'y' is '1e39'", "finite number")]
    [InlineData("x,x\n1,2\n", "two columns are named 'x'", "rename")]
    [InlineData("x,\n1,2\n", "column 'y' is missing", "takes x, y")]
    [InlineData("x,y,\n1,2,0\n", "a column has no name", "--ignore-extra")]
    [InlineData("x;y\n1,5;2,5\n1.5;2\n", "row 1, column 'x'", "decimal comma")]
    [InlineData("x;y\n1.234,5;2\n", "row 0, column 'x'", "thousands")]
    [InlineData("", "is empty", "bad.csv")]
    [InlineData("1,2,3.5\n", "the rows have 3 values", "takes 2")]
    [InlineData("0,1\n0.5,2\n", "first line may be a header or a row", "--header")]
    [InlineData("x,y\n1,\"2\n", "not CSV", "row 0")]
    public void Bad_csv_is_refused_with_its_place(string text, string place, string reason) =>
        Cli.Run("logprob", "--model", Cli.TwoMoons, "--input", cli.Write("bad.csv", text)).FailsWith(1, place, reason);

    [Theory]
    [InlineData("x\ty\n1.5\t2\n")]
    [InlineData("y;x\n2;1,5\n")]
    [InlineData("\"x\",\"y\"\r\n\"1.5\", 2\r\n\r\n")]
    [InlineData("\uFEFFx,y\n1.5,2e0\n")]
    public void Delimiters_decimals_quotes_and_line_ends_make_no_difference(string text) =>
        Assert.Equal(LogProb(cli.Write("plain.csv", "x,y\n1.5,2\n")), LogProb(cli.Write("other.csv", text)));

    [Theory]
    [InlineData("<f4", false, 1)]
    [InlineData("<f8", true, 1)]
    [InlineData(">f8", false, 2)]
    [InlineData(">f4", true, 3)]
    [InlineData("<i4", false, 1)]
    [InlineData("|i1", true, 1)]
    [InlineData(">u2", false, 2)]
    [InlineData("<i8", false, 3)]
    public void Every_npy_type_order_and_version_gives_the_same_rows(string descr, bool columnMajor, byte version)
    {
        double[] rows = [1, 0, 2, 1, 3, 2];
        File.WriteAllBytes(cli.At("rows.npy"), Npy(descr, columnMajor, version, "(3, 2)", rows));
        Assert.Equal(LogProb(cli.Write("rows.csv", "x,y\n1,0\n2,1\n3,2\n")), LogProb(cli.At("rows.npy")));
    }

    [Fact]
    public async Task A_named_pipe_is_read_as_a_file_is()
    {
        const string rows = "x,y\n1.5,2\n0,1\n";
        string pipe = cli.At("rows.pipe.csv");
        using (Process make = Process.Start("mkfifo", [pipe]))
            await make.WaitForExitAsync();
        Task writing = Task.Run(() =>
        {
            using var file = new FileStream(pipe, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
            file.Write(Encoding.ASCII.GetBytes(rows));
        });
        Assert.Equal(LogProb(cli.Write("plain.csv", rows)), LogProb(pipe));
        await writing;
    }

    [Fact]
    public void A_model_is_not_overwritten_by_what_is_computed_with_it()
    {
        string model = cli.At("m"), spec = Path.Combine(model, "flow.json");
        Directory.CreateDirectory(model);
        foreach (string file in Directory.GetFiles(Cli.TwoMoons))
            File.Copy(file, Path.Combine(model, Path.GetFileName(file)));
        byte[] before = File.ReadAllBytes(spec);

        Cli.Run("tune", "--model", model, "--seconds", "0.1", "--output", spec).FailsWith(1, "flow.json: is a file of the model");
        Cli.Run("sample", "--model", model, "--count", "2", "--seed", "1", "--output", spec).FailsWith(1, "flow.json: is a file of the model");

        Assert.Equal(before, File.ReadAllBytes(spec));
        Assert.Equal(0, Cli.Run("sample", "--model", model, "--count", "2", "--seed", "1", "--output", Path.Combine(model, "rows.json")).Code);
    }

    [Fact]
    public void A_file_whose_last_bytes_find_no_room_leaves_nothing_behind()
    {
        using (var file = new UnfinishedFile(cli.At("out.csv")))
        {
            file.Stream.Position = BeyondAnyFile;
            file.Stream.Write("12345678"u8);
            var refused = Assert.Throws<IOException>(file.Complete);
            Assert.Contains($"'{cli.At("out.csv")}'", UnfinishedFile.Named(refused.Message), StringComparison.Ordinal);
        }
        Assert.Empty(Directory.EnumerateFiles(cli.At("."), "*out.csv*"));
    }

    [Fact]
    public async Task A_temporary_file_that_finds_no_room_for_its_last_bytes_says_so()
    {
        await using var file = TemporaryFile.Create();
        file.Position = BeyondAnyFile;
        await file.WriteAsync(new byte[8]);
        RowFault fault = await Assert.ThrowsAsync<RowFault>(() => file.FlushAsync());
        Assert.Equal(RowFaultKind.NoSpace, fault.Kind);
    }

    [Fact]
    public void Bad_npy_is_refused_and_nothing_is_allocated_for_it()
    {
        byte[] good = Npy("<f4", false, 1, "(3, 2)", [1, 0, 2, 1, 3, 2]);
        Refused(good[..^1], "ends after row 2 of the 3");
        Refused([.. good, 0], "goes on after the 3 rows");
        Refused(good[..40], "ends within its header");
        Refused(Encoding.ASCII.GetBytes("not an array at all"), "is not a .npy file");
        Refused([], "is not a .npy file");
        Refused(Npy("<f4", false, 1, "(4000000000000, 2)", [1, 2]), "ends after row 1 of the 4000000000000");
        Refused(Npy("<f4", false, 1, "(2, 9223372036854775807, 9223372036854775807)", [1, 2]), "are not read");
        Refused(Npy("<f4", false, 1, "(6,)", [1, 0, 2, 1, 3, 2]), "the rows have 1 values");
        Refused(Npy("<f4", false, 1, "()", [1]), "at least one dimension");
        Refused(Npy("|O", false, 1, "(3, 2)", []), "'|O'", "float32, float64 and integers");
        Refused(Npy("<c8", false, 1, "(3, 2)", []), "'<c8'");
        Refused(Npy("<f4", false, 1, "(3, two)", [1, 0, 2, 1, 3, 2]), "'shape'");
        Refused(Npy("<f4", false, 9, "(3, 2)", [1, 0, 2, 1, 3, 2]), "version 9");
        Refused(Npy("<f4", false, 1, "(1, 2)", [1, double.NaN]), "row 0, column 1 is NaN", "finite number");
    }

    [Fact]
    public void Unknown_kinds_of_files_are_refused()
    {
        Cli.Run("logprob", "--model", Cli.TwoMoons, "--input", cli.Write("rows.xlsx", "x")).FailsWith(1, ".npy, .arrow");
        Cli.Run("logprob", "--model", Cli.TwoMoons, "--input", cli.At("none.csv")).FailsWith(1, "none.csv", "not found");
        Cli.Run("logprob", "--model", Cli.TwoMoons, "--input", cli.At("none.csv"), "--output", "x.xlsx").FailsWith(2, "x.xlsx");
        Cli.Run("logprob", "--input", "x.csv").FailsWith(2, "--model");
        Cli.Run("dance").FailsWith(2, "dance");
    }

    private void Refused(byte[] file, params string[] words)
    {
        File.WriteAllBytes(cli.At("bad.npy"), file);
        Cli.Run("logprob", "--model", Cli.TwoMoons, "--input", cli.At("bad.npy")).FailsWith(1, ["bad.npy", .. words]);
    }

    private static double[] LogProb(string file)
    {
        Outcome outcome = Cli.Run("logprob", "--model", Cli.TwoMoons, "--input", file);
        Assert.True(outcome.Code == 0, outcome.Error);
        return Cli.Numbers(outcome.Output);
    }

    // rows is row-major with two columns, whatever order is written.
    private static byte[] Npy(string descr, bool columnMajor, byte version, string shape, double[] rows)
    {
        string header = $"{{'descr': '{descr}', 'fortran_order': {(columnMajor ? "True" : "False")}, 'shape': {shape}, }}\n";
        using var file = new MemoryStream();
        file.Write([0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', version, 0]);
        var length = new byte[version == 1 ? 2 : 4];
        if (version == 1)
            BinaryPrimitives.WriteUInt16LittleEndian(length, (ushort)header.Length);
        else
            BinaryPrimitives.WriteUInt32LittleEndian(length, (uint)header.Length);
        file.Write(length);
        file.Write(Encoding.ASCII.GetBytes(header));
        IEnumerable<double> ordered = columnMajor ? rows.Where((_, i) => i % 2 == 0).Concat(rows.Where((_, i) => i % 2 == 1)) : rows;
        foreach (double value in ordered)
        {
            byte[] element = descr[1..] switch
            {
                "f4" => BitConverter.GetBytes((float)value),
                "f8" => BitConverter.GetBytes(value),
                "i1" => [(byte)value],
                "u2" => BitConverter.GetBytes((ushort)value),
                "i4" => BitConverter.GetBytes((int)value),
                _ => BitConverter.GetBytes((long)value),
            };
            file.Write(descr[0] == '>' ? [.. element.Reverse()] : element);
        }
        return file.ToArray();
    }
}
