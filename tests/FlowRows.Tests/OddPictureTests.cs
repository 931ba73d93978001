using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Pipelines;
using FlowCore;
using FlowRows.Buffers;
using FlowRows.Pictures;
using FlowRows.Tables;

namespace FlowRows.Tests;

/// <summary>Every kind of PNG is read as what it shows, or refused with the reason: written here byte by byte (PNG, third edition).</summary>
public sealed class OddPictureTests
{
    private const int Side = 8;

    // Multiples of 17, which 4 bits hold too.
    private static readonly byte[] Levels = [.. Enumerable.Range(0, Side * Side).Select(i => (byte)(i % 16 * 17))];

    public static TheoryData<string, byte[]> Read => new()
    {
        { "grey", Png(0, 8, Lines(level => [level])) },
        { "grey of 4 bits", Png(0, 4, [.. Enumerable.Range(0, Side).SelectMany(y => (byte[])[0, .. Enumerable.Range(0, Side / 2).Select(x => (byte)(Levels[y * Side + 2 * x] / 17 << 4 | Levels[y * Side + 2 * x + 1] / 17))])]) },
        { "grey that is opaque", Png(4, 8, Lines(level => [level, 255])) },
        { "colours that are grey", Png(2, 8, Lines(level => [level, level, level])) },
        { "a palette of greys", Png(3, 8, Lines(level => [(byte)(level / 17)]), before: Chunk("PLTE", [.. Enumerable.Range(0, 16).SelectMany(i => Enumerable.Repeat((byte)(i * 17), 3))])) },
        { "with another gamma", Png(0, 8, Lines(level => [level]), before: Chunk("gAMA", [0, 1, 0x86, 0xa0])) },
        { "interlaced", Png(0, 8, Interlaced(), interlaced: true) },
        {
            "animated", Png(0, 8, Lines(level => [level]), before: [.. Chunk("acTL", [0, 0, 0, 2, 0, 0, 0, 0]), .. Chunk("fcTL", [0, 0, 0, 0, .. Frame])],
                after: [.. Chunk("fcTL", [0, 0, 0, 1, .. Frame]), .. Chunk("fdAT", [0, 0, 0, 2, .. Packed(Lines(_ => [99]))])])
        },
        { "with a chunk that nobody knows", Png(0, 8, Lines(level => [level]), before: Chunk("prIv", [1, 2, 3])) },
    };

    [Theory, MemberData(nameof(Read))]
    public async Task A_kind_of_PNG_is_read_as_what_it_shows(string what, byte[] png)
    {
        float[] values = await ReadAsync(png);
        Assert.True(Levels.Select(level => (float)level).SequenceEqual(values), $"{what}: {string.Join(' ', values)}");
    }

    public static TheoryData<string, byte[], string> Refused
    {
        get
        {
            byte[] good = Png(0, 8, Lines(level => [level])), other = Png(0, 8, Lines(level => [level]), before: Chunk("gAMA", [0, 1, 0x86, 0xa0]));
            byte[] flipped = [.. good], sized = [.. good];
            flipped[good.AsSpan().IndexOf("IDAT"u8) + 12] ^= 0x10;
            BinaryPrimitives.WriteInt32BigEndian(sized.AsSpan(16), 16);
            return new()
            {
                { "a bit of its pixels is another", flipped, "damaged" },
                { "its width is another than its check says", sized, "no PNG that can be read" },
                { "it ends within its pixels", good[..(good.AsSpan().IndexOf("IDAT"u8) + 20)], "ends within its pixels" },
                { "it ends within its header", good[..20], "no PNG that can be read" },
                { "it has no pixels", [.. other[..other.AsSpan().IndexOf("IDAT"u8)][..^4], .. Chunk("IEND", [])], "PNG" },
                { "its pixels are fewer", Png(0, 8, Lines(level => [level])[..40]), "ends within its pixels" },
                { "it is transparent", Png(4, 8, Lines(level => [level, level])), "transparent" },
                { "a level is transparent", Png(0, 8, Lines(level => [level]), before: Chunk("tRNS", [0, 34])), "transparent" },
                { "it is in colour", Png(2, 8, Lines(level => [level, 3, level])), "in colour" },
                { "it has 16 bits", Png(0, 16, Lines(level => [level, 200])), "16 bits" },
                { "it is as large as can be", Png(0, 8, Lines(level => [level]), width: 20_000, height: 20_000), "20000 x 20000" },
                { "it has more pixels than integers count", Png(0, 8, Lines(level => [level]), width: int.MaxValue, height: int.MaxValue), "PNG" },
            };
        }
    }

    [Theory, MemberData(nameof(Refused))]
    public async Task What_is_not_right_is_refused(string what, byte[] png, string words)
    {
        RowFault refusal = await Assert.ThrowsAsync<RowFault>(() => ReadAsync(png));
        Assert.True(refusal.Message.Contains(words, StringComparison.Ordinal), $"{what}: {refusal.Message}");
    }

    private static readonly byte[] Frame = [0, 0, 0, Side, 0, 0, 0, Side, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0];

    private static async Task<float[]> ReadAsync(byte[] png)
    {
        var spec = new FlowSpec { Name = "m", EventShape = [1, Side, Side], Bijections = [], Pixels = new(-0.5, 255.5, 1) };
        var source = new RowSource(new ModelLayout("m", spec, RowNames.X, hasContext: false), RowLimits.Files, new RowPool()) { IsShort = true };
        await using RowReader<float> reader = await new PngFormat().OpenAsync<float>(PipeReader.Create(new MemoryStream(png)), source, TestContext.Current.CancellationToken);
        using RowBlock<float> block = await reader.ReadAllAsync(TestContext.Current.CancellationToken);
        return block.Values!.Values.Span.ToArray();
    }

    // Each line begins with its filter, none.
    private static byte[] Lines(Func<byte, byte[]> pixel) =>
        [.. Enumerable.Range(0, Side).SelectMany(y => (byte[])[0, .. Levels[(y * Side)..((y + 1) * Side)].SelectMany(pixel)])];

    // Seven passes, each with its first column and line, and its steps (section 8.1).
    private static byte[] Interlaced()
    {
        (int X, int Y, int Across, int Down)[] passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];
        var bytes = new List<byte>();
        foreach (var (left, top, across, down) in passes)
            for (int y = top; y < Side; y += down)
            {
                bytes.Add(0);
                for (int x = left; x < Side; x += across)
                    bytes.Add(Levels[y * Side + x]);
            }
        return [.. bytes];
    }

    private static byte[] Png(byte colour, byte bits, byte[] lines, bool interlaced = false, byte[]? before = null, byte[]? after = null, int width = Side, int height = Side)
    {
        byte[] header = [0, 0, 0, 0, 0, 0, 0, 0, bits, colour, 0, 0, (byte)(interlaced ? 1 : 0)];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        return [0x89, .. "PNG\r\n\x1a\n"u8, .. Chunk("IHDR", header), .. before ?? [], .. Chunk("IDAT", Packed(lines)), .. after ?? [], .. Chunk("IEND", [])];
    }

    private static byte[] Packed(byte[] lines)
    {
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Optimal))
            zlib.Write(lines);
        return packed.ToArray();
    }

    private static byte[] Chunk(string type, byte[] data)
    {
        byte[] named = [.. type.Select(letter => (byte)letter), .. data], length = new byte[4], check = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, data.Length);
        BinaryPrimitives.WriteUInt32BigEndian(check, Crc(named));
        return [.. length, .. named, .. check];
    }

    // Annex D.
    private static uint Crc(byte[] bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte each in bytes)
        {
            crc ^= each;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc & 1) == 0 ? crc >> 1 : crc >> 1 ^ 0xedb88320;
        }
        return ~crc;
    }
}
