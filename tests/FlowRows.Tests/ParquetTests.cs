using System.IO.Pipelines;
using System.Text;
using FlowCore;
using FlowRows.Buffers;
using FlowRows.Tables;
using Parquet;
using Parquet.Schema;

namespace FlowRows.Tests;

/// <summary>Parquet: what other writers write is read to the bit, and what a file claims is believed by neither program.</summary>
public sealed class ParquetTests(BothPrograms both) : IClassFixture<BothPrograms>
{
    private const string Parquet = "application/vnd.apache.parquet", Csv = "text/csv";

    // Written by the format's reference library: every encoding and codec that is read, pages of both versions, of a few rows each.
    [Theory]
    [InlineData("encodings-v2.parquet")]
    [InlineData("dictionaries-v1.parquet")]
    public async Task A_file_of_another_writer_is_the_same_rows_as_its_text(string name)
    {
        string folder = Path.Combine(AppContext.BaseDirectory, "golden", "parquet");
        Said text = await both.ServiceAsync("/logprob?model=two-moons&keep=*", await File.ReadAllBytesAsync(Path.Combine(folder, "rows.csv")), Csv, Csv);

        Said service = await both.ServiceAsync("/logprob?model=two-moons&keep=*", await File.ReadAllBytesAsync(Path.Combine(folder, name)), Parquet, Csv);
        Said line = both.CommandLine("logprob", "two-moons", Path.Combine(folder, name), ".csv", "--keep", "*");

        Assert.Null(service.Refusal);
        Assert.Equal(Encoding.UTF8.GetString(text.Answer), Encoding.UTF8.GetString(service.Answer));
        Assert.Equal(service.Answer, line.Answer);
    }

    // A reader that believes the first looks for the end of a number for ever, by the second its stack overflows, and the third allocates what
    // is claimed.
    [Theory]
    [InlineData("15FF")]
    [InlineData("nested")]
    [InlineData("19FCFFFFFFFF0F")]
    [InlineData("29FCFFFFFFFF0F")]
    [InlineData("1C1C")]
    [InlineData("8BFFFFFFFF0F")]
    [InlineData("")]
    [InlineData("2919FFFFFFFF")]
    public async Task A_description_that_cannot_be_is_refused(string hex)
    {
        byte[] footer = hex == "nested" ? [.. Enumerable.Repeat((byte)0x19, 1_000_000)] : Convert.FromHexString(hex);

        await RefusedAsync([.. "PAR1"u8, .. footer, .. BitConverter.GetBytes(footer.Length), .. "PAR1"u8], "the body is no Parquet file: ");
    }

    // The page's header says twice: 24 bytes. Were the first number believed, what lay in the memory before would be taken for rows.
    [Theory]
    [InlineData(CompressionMethod.None, 0x60, "column 'x_0' has a page of another length than it says")]
    [InlineData(CompressionMethod.None, 0x2E, "column 'x_0' has a page of another length than it says")]
    [InlineData(CompressionMethod.Lz4Raw, 0x60, "column 'x_0' has a page of another length than it says")]
    [InlineData(CompressionMethod.Brotli, 0x60, "column 'x_0' has a page of another length than it says")]
    [InlineData(CompressionMethod.Zstd, 0x60, "column 'x_0' has a page of another length than it says")]
    [InlineData(CompressionMethod.Snappy, 0x60, "column 'x_0' has a page of another length than it says")]
    [InlineData(CompressionMethod.Gzip, 0x60, "column 'x_0' has a page of another length than it says")]
    public async Task A_page_that_claims_other_bytes_than_it_has_is_refused(CompressionMethod method, byte claimed, string words)
    {
        byte[] body = await WriteAsync(method, new DataField<double>("x_0"), new DataField<double>("x_1"));
        int header = body.AsSpan().IndexOf((ReadOnlySpan<byte>)[0x15, 0, 0x15, 0x30, 0x15]);
        body[header + 3] = claimed;

        await RefusedAsync(body, words);
    }

    // Each group costs the reading of the whole piece, and few bytes of the description.
    [Fact]
    public async Task Groups_of_rows_that_share_their_bytes_are_refused()
    {
        Assert.Null((await both.ServiceAsync("/logprob?model=two-moons", Sharing(groups: 1), Parquet, Csv)).Refusal);
        await RefusedAsync(Sharing(groups: 50), "column 'x_0' lies where others do");
    }

    [Fact]
    public async Task Decompressed_rows_are_no_more_bytes_than_the_limit()
    {
        var pool = new RowPool();
        byte[] body = await WriteAsync(CompressionMethod.Gzip, 10_000, new DataField<double>("x_0"), new DataField<double>("x_1"));
        Assert.InRange(body.Length, 1, 99_999);
        var layout = new ModelLayout("m", new FlowSpec { Name = "m", EventShape = [2], Bijections = [] }, RowNames.X, hasContext: false);
        var source = new RowSource(layout, RowLimits.Files with { StreamBytes = 100_000 }, pool);

        RowFault refused = await Assert.ThrowsAsync<RowFault>(async () =>
        {
            await using RowReader<float> reader = await RowFormats.OfMediaType(Parquet)!.OpenAsync<float>(PipeReader.Create(new MemoryStream(body)), source, default);
            (await reader.ReadAllAsync(default)).Dispose();
        });

        Assert.Equal((RowFaultKind.TooLarge, 0), (refused.Kind, pool.Outstanding));
    }

    [Fact]
    public async Task Columns_that_are_passed_over_may_hold_anything_and_those_that_are_wanted_are_named()
    {
        byte[] body = await WriteAsync(CompressionMethod.Snappy, new DataField<double>("x_0"), new DataField<double>("x_1"), new DataField<byte[]>("blob"));
        string file = both.Write("rows.parquet", body);

        Said ignored = await both.ServiceAsync("/logprob?model=two-moons&ignore_extra=true", body, Parquet, Csv);
        Said kept = await both.ServiceAsync("/logprob?model=two-moons&keep=blob", body, Parquet, Csv);

        Assert.Null(ignored.Refusal);
        Assert.Equal((await both.ServiceAsync("/logprob?model=two-moons", "x_0,x_1\n0,0\n0.5,0.5\n1,1\n"u8.ToArray(), Csv, Csv)).Answer, ignored.Answer);
        Assert.Equal(ignored.Answer, both.CommandLine("logprob", "two-moons", file, ".csv", "--ignore-extra").Answer);
        Assert.Equal("column 'blob' of the Parquet file holds Bytes values that mean Plain, which is not read; leave it out", kept.Refusal);
        Assert.Equal(kept.Refusal, both.CommandLine("logprob", "two-moons", file, ".csv", "--keep", "blob").Refusal);
    }

    private async Task RefusedAsync(byte[] body, string words)
    {
        Said service = await both.ServiceAsync("/logprob?model=two-moons", body, Parquet, Csv);

        Assert.Contains(words, service.Refusal, StringComparison.Ordinal);
        Assert.Equal(service.Refusal, both.CommandLine("logprob", "two-moons", both.Write("rows.parquet", body), ".csv").Refusal);
    }

    /// <summary>A file by hand in Thrift's compact protocol: two columns whose pieces are the same 1000 bytes, in any number of groups.</summary>
    private static byte[] Sharing(int groups)
    {
        const byte i32 = 0x15, i64 = 0x16, text = 0x18, list = 0x19;
        byte[] page = [i32, 0, i32, 48, i32, 48, 0x2C, i32, 6, i32, 0, i32, 6, i32, 6, 0, 0, .. new byte[24]];
        byte[] piece = [.. "PAR1"u8, .. page, .. new byte[2000 - page.Length]];
        byte[] root = [0x48, 1, (byte)'s', i32, 4, 0];
        byte[] Column(byte name) => [i32, 10, 0x25, 0, text, 3, (byte)'x', (byte)'_', name, 0];
        byte[] chunk = [0x3C, 0x45, 0, i64, 6, 0x26, 0xD0, 0x0F, 0x26, 8, 0, 0];
        byte[] group = [list, 0x2C, .. chunk, .. chunk, 0x26, 6, 0];
        byte[] footer =
        [
            i32, 2, list, 0x3C, .. root, .. Column((byte)'0'), .. Column((byte)'1'), i64, 6, list, 0xFC, (byte)groups,
            .. Enumerable.Repeat(group, groups).SelectMany(bytes => bytes), 0,
        ];
        return [.. piece, .. footer, .. BitConverter.GetBytes(footer.Length), .. "PAR1"u8];
    }

    private static Task<byte[]> WriteAsync(CompressionMethod method, params DataField[] fields) => WriteAsync(method, 3, fields);

    private static async Task<byte[]> WriteAsync(CompressionMethod method, int rows, params DataField[] fields)
    {
        using var bytes = new MemoryStream();
        await using (ParquetWriter writer = await ParquetWriter.CreateAsync(new ParquetSchema(fields), bytes, new ParquetOptions { CompressionMethod = method }))
        {
            using ParquetRowGroupWriter group = writer.CreateRowGroup();
            foreach (DataField field in fields)
                if (field.ClrType == typeof(double))
                    await group.WriteAsync<double>(field, (double[])[.. Enumerable.Range(0, rows).Select(row => row % 3 / 2.0)]);
                else
                    await group.WriteAsync(field, (IReadOnlyCollection<byte[]>)[[1], [2, 3], []]);
        }
        return bytes.ToArray();
    }
}
