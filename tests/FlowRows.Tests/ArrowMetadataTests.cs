using System.Buffers.Binary;
using Apache.Arrow;
using Apache.Arrow.Ipc;
using Apache.Arrow.Types;
using FlowRows.Arrow;

namespace FlowRows.Tests;

/// <summary>What a message claims is compared with its bytes before the library believes it.</summary>
public sealed class ArrowMetadataTests
{
    [Fact]
    public void What_the_library_writes_passes()
    {
        foreach ((byte[] metadata, long body) in Messages())
            Assert.Equal(body, ArrowMetadata.BodyLength(metadata));
    }

    [Fact]
    public void No_damaged_byte_makes_the_library_allocate_more_than_the_bytes_that_are_there()
    {
        byte[] stream = Stream();
        long before = GC.GetTotalAllocatedBytes(precise: true);
        int read = 0;
        for (int at = 0; at < stream.Length; at++)
            foreach (byte flip in (byte[])[0x01, 0x10, 0x80, 0xFF])
            {
                byte[] damaged = (byte[])stream.Clone();
                damaged[at] ^= flip;
                read += Parts(damaged).Count(part => ArrowMetadata.BodyLength(part) is not null);
            }
        Assert.True(read > 0);
        Assert.True(GC.GetTotalAllocatedBytes(precise: true) - before < 1L << 30);
    }

    internal static byte[] Stream()
    {
        Schema schema = new Schema.Builder()
            .Field(new Field("a", FloatType.Default, nullable: false))
            .Field(new Field("b", DoubleType.Default, nullable: true))
            .Field(new Field("name", StringType.Default, nullable: true))
            .Field(new Field("x", new FixedSizeListType(new Field("item", FloatType.Default, false), 2), nullable: false))
            .Field(new Field("when", new TimestampType(TimeUnit.Second, "UTC"), nullable: false))
            .Metadata("key", "value")
            .Build();
        FloatArray floats = new FloatArray.Builder().Append(1).Append(2).Build();
        var batch = new RecordBatch(schema,
        [
            floats,
            new DoubleArray.Builder().Append(1).AppendNull().Build(),
            new StringArray.Builder().Append("one").AppendNull().Build(),
            new FixedSizeListArray(new FixedSizeListType(new Field("item", FloatType.Default, false), 2), 2, new FloatArray.Builder().AppendRange([1, 2, 3, 4]).Build(), ArrowBuffer.Empty, 0),
            new TimestampArray.Builder(new TimestampType(TimeUnit.Second, "UTC")).Append(DateTimeOffset.UnixEpoch).Append(DateTimeOffset.UnixEpoch).Build(),
        ], 2);
        using var bytes = new MemoryStream();
        using (var writer = new ArrowStreamWriter(bytes, schema, leaveOpen: true))
        {
            writer.WriteRecordBatch(batch);
            writer.WriteEnd();
        }
        return bytes.ToArray();
    }

    /// <summary>Three rows of two features, and a column of seconds since 1970 that has so many.</summary>
    public static byte[] Timed(int rows, long seconds)
    {
        var second = new TimestampType(TimeUnit.Second, "UTC");
        Schema schema = new Schema.Builder().Field(new Field("when", second, true)).Field(new Field("x_0", FloatType.Default, false)).Field(new Field("x_1", FloatType.Default, false)).Build();
        FloatArray floats = new FloatArray.Builder().AppendRange([0.5f, 1, 2]).Build();
        ArrowBuffer times = new ArrowBuffer.Builder<long>().AppendRange(Enumerable.Repeat(seconds, rows)).Build();
        using var bytes = new MemoryStream();
        using (var writer = new ArrowStreamWriter(bytes, schema, leaveOpen: true))
        {
            writer.WriteRecordBatch(new RecordBatch(schema, [new TimestampArray(second, times, ArrowBuffer.Empty, rows, 0, 0), floats, floats], 3));
            writer.WriteEnd();
        }
        return bytes.ToArray();
    }

    private static IEnumerable<(byte[] Metadata, long Body)> Messages()
    {
        byte[][] parts = [.. Parts(Stream())];
        Assert.Equal(2, parts.Length);
        yield return (parts[0], 0);
        yield return (parts[1], Stream().Length - 16 - parts[0].Length - parts[1].Length - 8);
    }

    // The metadata of the schema and of the batch behind it, as the stream's own lengths say.
    private static IEnumerable<byte[]> Parts(byte[] stream)
    {
        int at = 0;
        for (int message = 0; message < 2; message++)
        {
            int length = at + 8 <= stream.Length ? BinaryPrimitives.ReadInt32LittleEndian(stream.AsSpan(at + 4)) : -1;
            if (length < 0 || at + 8 + length > stream.Length)
                yield break;
            yield return stream[(at + 8)..(at + 8 + length)];
            at += 8 + length;
        }
    }
}
