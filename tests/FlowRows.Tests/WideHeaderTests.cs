using System.Collections;
using System.IO.Pipelines;
using System.Text;
using FlowCore;
using FlowRows.Buffers;
using FlowRows.Tables;

namespace FlowRows.Tests;

/// <summary>A header of very many columns costs as much as its bytes, and no more than that when nobody waits for it.</summary>
public sealed class WideHeaderTests
{
    private const int Few = 10_000, Many = 10 * Few;

    private static readonly FlowSpec Model = new() { Name = "m", EventShape = [2], Bijections = [] };

    public static TheoryData<string> Tables => ["unknown", "ignored", "kept", "wanted", "twice", "numbers"];

    [Theory, MemberData(nameof(Tables))]
    public void Ten_times_as_many_columns_are_looked_at_ten_times_as_often(string table)
    {
        int few = Looks(table, Few), many = Looks(table, Many);

        Assert.InRange(few, Few, 100 * Few);
        Assert.InRange(many, Many, 11 * few);
    }

    [Theory, MemberData(nameof(Tables))]
    public async Task Ten_times_as_many_columns_take_ten_times_the_memory(string table)
    {
        await AllocatedAsync(table, Few); // what is made once
        long few = await AllocatedAsync(table, Few), many = await AllocatedAsync(table, Many);

        // Tables and sets of names double their room: up to twice ten times as much. What grows with the square would be a hundred times.
        Assert.InRange(many, Many, 20 * few);
    }

    [Fact]
    public async Task A_header_without_an_end_is_not_read_on_when_the_client_has_left()
    {
        using var leaves = new CancellationTokenSource();
        using var endless = new EndlessHeader(leaves);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
            await RowFormats.Csv.OpenAsync<float>(PipeReader.Create(endless), Source("unknown", Few), leaves.Token));

        Assert.Equal(EndlessHeader.ReadsBefore, endless.Reads);
    }

    private static int Looks(string table, int columns)
    {
        var names = new CountedNames(Names(table, columns));
        Said(() => Source(table, columns).Layout.Named(names));
        return names.Looks;
    }

    // All of it runs on this thread: the whole body is there.
    private static async Task<long> AllocatedAsync(string table, int columns)
    {
        byte[] body = Encoding.UTF8.GetBytes(
            $"{string.Join(',', Names(table, columns))}\n{string.Join(',', Enumerable.Repeat("0.5", columns))}\n");
        RowSource source = Source(table, columns);
        long before = GC.GetAllocatedBytesForCurrentThread();
        int thread = Environment.CurrentManagedThreadId;
        try
        {
            await using RowReader<float> reader = await RowFormats.Csv.OpenAsync<float>(PipeReader.Create(new(body)), source, default);
            using RowBlock<float>? block = await reader.ReadAsync(10, default);
        }
        catch (RowFault)
        {
            // Refused in the end, as some of them must be.
        }
        Assert.Equal(thread, Environment.CurrentManagedThreadId);
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static string[] Names(string table, int columns) => table switch
    {
        "wanted" => [.. Enumerable.Range(0, columns).Select(i => $"x_{i}")],
        "twice" => [.. Enumerable.Range(0, columns).Select(i => $"c{i / 2}")],
        "numbers" => [.. Enumerable.Range(0, columns).Select(i => $"{i}")],
        _ => [.. Enumerable.Range(0, columns).Select(i => i < 2 ? $"x_{i}" : $"c{i}")],
    };

    private static RowSource Source(string table, int columns)
    {
        FlowSpec spec = table is "wanted" ? Model with { EventShape = [columns] } : Model;
        string[] keep = table == "kept" ? [.. Names(table, columns).Skip(2)] : [];
        return new(new ModelLayout("m", spec, RowNames.X, hasContext: false, keep, table == "ignored"), RowLimits.Files, new RowPool());
    }

    private static void Said(Func<RowColumns> read)
    {
        try
        {
            _ = read();
        }
        catch (RowFault)
        {
            // Refused in the end, as some of them must be.
        }
    }

    /// <summary>Names that count how often one of them is looked at.</summary>
    private sealed class CountedNames(string[] names) : IReadOnlyList<string>
    {
        public int Looks { get; private set; }

        public int Count => names.Length;

        public string this[int index]
        {
            get
            {
                Looks++;
                return names[index];
            }
        }

        public IEnumerator<string> GetEnumerator()
        {
            for (int i = 0; i < names.Length; i++)
                yield return this[i];
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }

    /// <summary>Columns for ever, of which somebody has had enough after some reads.</summary>
    private sealed class EndlessHeader(CancellationTokenSource leaves) : MemoryStream
    {
        public const int ReadsBefore = 20;

        public int Reads { get; private set; }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            cancellationToken.ThrowIfCancellationRequested();
            for (int i = 0; i < buffer.Length; i++)
                buffer.Span[i] = i % 2 == 0 ? (byte)'c' : (byte)',';
            if (++Reads == ReadsBefore)
                leaves.Cancel();
            return new(buffer.Length);
        }
    }
}
