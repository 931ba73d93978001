using System.Buffers;
using System.Buffers.Binary;

namespace FlowRows.Parquet;

/// <summary>The values of a column in a group of rows, as they are stored: those that are there, one after the other, and which are.</summary>
internal sealed class ChunkValues
{
    private readonly ParquetField field;
    private readonly ArrayBufferWriter<byte> bytes = new();
    private readonly long most;
    private readonly int[] levels;
    private ReadOnlyMemory<byte> dictionary;
    private int[] entries = [];
    private int rows;

    private ChunkValues(ParquetField field, int rows, long most)
    {
        (this.field, this.most) = (field, most);
        levels = field.Node.IsOptional ? new int[rows] : [];
        Width = field.Node.Stored switch
        {
            Stored.Boolean => 1,
            Stored.Int32 or Stored.Float => 4,
            Stored.Int64 or Stored.Double => 8,
            Stored.Int96 => 12,
            Stored.FixedBytes when field.Node.Length is > 0 and <= short.MaxValue => field.Node.Length,
            Stored.Bytes => 0,
            _ => throw ParquetFault.Damaged(field.Name, "is not described"),
        };
    }

    /// <summary>The bytes of a value; 0 where each has its own length.</summary>
    public int Width { get; }

    /// <summary>The bytes of all pages, decompressed.</summary>
    public long Unpacked { get; private set; }

    /// <summary>The bytes of all values that are there.</summary>
    public ReadOnlySpan<byte> Bytes => bytes.WrittenSpan;

    /// <summary>The same, for what outlives a call.</summary>
    public ReadOnlyMemory<byte> Memory => bytes.WrittenMemory;

    /// <summary>Where each value ends, where each has its own length.</summary>
    public List<int> Ends { get; } = [];

    public bool IsThere(int row) => levels.Length == 0 || levels[row] == 1;

    /// <summary>Reads a column's piece of a group.</summary>
    /// <param name="piece">Its bytes, from its first page on: there may be others behind them.</param>
    /// <param name="field">The column.</param>
    /// <param name="chunk">What is said of it.</param>
    /// <param name="rows">The rows of the group.</param>
    /// <param name="most">The most bytes that the values may take.</param>
    public static ChunkValues Read(ReadOnlySpan<byte> piece, ParquetField field, ParquetChunk chunk, int rows, long most)
    {
        var values = new ChunkValues(field, rows, most);
        if (chunk.Values != rows)
            throw ParquetFault.Damaged(field.Name, $"has {chunk.Values} values for {rows} rows");
        while (values.rows < rows)
        {
            var thrift = new ThriftReader(piece);
            PageHeader page = PageHeader.Read(ref thrift);
            if (page.Packed > piece.Length - thrift.Position)
                throw ParquetFault.Damaged(field.Name, "ends within a page");
            if ((values.Unpacked += page.Unpacked) > most)
                throw new RowFault(RowFaultKind.TooLarge, $"column '{field.Name.Shown()}' of the Parquet file has more than {most} bytes in a row group; write smaller row groups, or raise Limits:BodyBytes");
            values.Add(page, piece.Slice(thrift.Position, page.Packed), chunk.Codec);
            piece = piece[(thrift.Position + page.Packed)..];
        }
        return values;
    }

    private void Add(PageHeader page, ReadOnlySpan<byte> packed, int codec)
    {
        switch (page.Kind)
        {
            case PageHeader.Dictionary:
                if (page.Encoding is not (PageEncoding.Plain or PageEncoding.PlainDictionary) || !dictionary.IsEmpty || rows > 0)
                    throw Damaged();
                byte[] held = PagePacking.Unpacked(packed, page.Unpacked, codec, field.Name);
                (dictionary, entries) = (held, Width > 0 ? [] : Lengths(held, page.Values));
                if (Width > 0 && held.Length != (long)page.Values * Width)
                    throw Damaged();
                break;
            case PageHeader.Data:
                ReadOnlySpan<byte> data = PagePacking.Unpacked(packed, page.Unpacked, codec, field.Name);
                if (field.Node.IsOptional)
                {
                    if (page.LevelEncoding != PageEncoding.Runs || data.Length < 4)
                        throw Damaged();
                    uint length = BinaryPrimitives.ReadUInt32LittleEndian(data);
                    if (length > data.Length - 4)
                        throw Damaged();
                    AddPage(page, data.Slice(4, (int)length), data[(4 + (int)length)..]);
                }
                else
                    AddPage(page, [], data);
                break;
            case PageHeader.DataV2:
                if (page.RepetitionBytes > 0 || page.LevelBytes > Math.Min(packed.Length, page.Unpacked) || (page.LevelBytes > 0 && !field.Node.IsOptional))
                    throw Damaged();
                AddPage(page, packed[..page.LevelBytes],
                    PagePacking.Unpacked(packed[page.LevelBytes..], page.Unpacked - page.LevelBytes, page.IsPacked ? codec : 0, field.Name));
                break;
        }
    }

    private void AddPage(PageHeader page, ReadOnlySpan<byte> missing, ReadOnlySpan<byte> data)
    {
        int count = page.Values;
        if (field.Node.IsOptional)
        {
            if (count > levels.Length - rows)
                throw Damaged();
            Span<int> there = levels.AsSpan(rows, count);
            PageBits.Runs(missing, 1, there);
            rows += count;
            count = there.Count(1);
        }
        else
            rows += count;
        if (count > 0)
            AddValues(page.Encoding, data, count);
    }

    private void AddValues(PageEncoding encoding, ReadOnlySpan<byte> data, int count)
    {
        // A few bytes may claim to be very many.
        if (bytes.WrittenCount + (long)count * Width > most)
            throw Damaged();
        switch (encoding, field.Node.Stored)
        {
            case (PageEncoding.Plain, Stored.Boolean):
                if (data.Length * 8L < count)
                    throw Damaged();
                for (int i = 0; i < count; i++)
                    bytes.Write([(byte)((data[i >> 3] >> (i & 7)) & 1)]);
                break;
            case (PageEncoding.Runs, Stored.Boolean) when data.Length >= 4:
                int[] flags = new int[count];
                PageBits.Runs(data[4..], 1, flags);
                foreach (int flag in flags)
                    bytes.Write([(byte)flag]);
                break;
            case (PageEncoding.Plain, Stored.Bytes):
                AddTexts(data, Lengths(data, count));
                break;
            case (PageEncoding.Plain, _):
                if (data.Length < (long)count * Width)
                    throw Damaged();
                bytes.Write(data[..(count * Width)]);
                break;
            case (PageEncoding.Dictionary or PageEncoding.PlainDictionary, _) when data.Length > 0:
                int[] indices = new int[count];
                PageBits.Runs(data[1..], data[0], indices);
                AddEntries(indices);
                break;
            case (PageEncoding.Delta, Stored.Int32 or Stored.Int64):
                AddNumbers(Deltas(data, count, out _));
                break;
            case (PageEncoding.DeltaLengths, Stored.Bytes):
                long[] lengths = Deltas(data, count, out int used);
                AddRuns(data[used..], lengths);
                break;
            case (PageEncoding.DeltaTexts, Stored.Bytes):
                AddSuffixes(data, count);
                break;
            case (PageEncoding.SplitBytes, Stored.Float or Stored.Double or Stored.Int32 or Stored.Int64 or Stored.FixedBytes):
                if (data.Length != (long)count * Width)
                    throw Damaged();
                Span<byte> joined = bytes.GetSpan(data.Length);
                for (int i = 0; i < data.Length; i++)
                    joined[i % count * Width + i / count] = data[i];
                bytes.Advance(data.Length);
                break;
            default:
                throw ParquetFault.Unread(field.Name, $"values in the encoding {(int)encoding}");
        }
    }

    private static long[] Deltas(ReadOnlySpan<byte> data, int count, out int used)
    {
        long[] numbers = new long[count];
        used = PageBits.Deltas(data, numbers);
        return numbers;
    }

    private void AddNumbers(long[] numbers)
    {
        foreach (long number in numbers)
        {
            Span<byte> target = bytes.GetSpan(sizeof(long));
            BinaryPrimitives.WriteInt64LittleEndian(target, number);
            bytes.Advance(Width); // of 32 bits the lower ones
        }
    }

    private void AddEntries(int[] indices)
    {
        ReadOnlySpan<byte> held = dictionary.Span;
        int count = Width > 0 ? held.Length / Width : entries.Length / 2;
        foreach (int index in indices)
            if ((uint)index >= (uint)count)
                throw Damaged();
            else if (Width > 0)
                bytes.Write(held.Slice(index * Width, Width));
            else
                AddText(held.Slice(entries[2 * index], entries[2 * index + 1]));
    }

    private void AddTexts(ReadOnlySpan<byte> data, int[] places)
    {
        for (int i = 0; i < places.Length; i += 2)
            AddText(data.Slice(places[i], places[i + 1]));
    }

    private void AddRuns(ReadOnlySpan<byte> data, long[] lengths)
    {
        foreach (long length in lengths)
        {
            if (length < 0 || length > data.Length)
                throw Damaged();
            AddText(data[..(int)length]);
            data = data[(int)length..];
        }
    }

    // Each text shares its beginning with the one before (DELTA_BYTE_ARRAY).
    private void AddSuffixes(ReadOnlySpan<byte> data, int count)
    {
        long[] shared = Deltas(data, count, out int used);
        data = data[used..];
        long[] lengths = Deltas(data, count, out used);
        data = data[used..];
        byte[] last = [];
        for (int i = 0; i < count; i++)
        {
            if (shared[i] < 0 || shared[i] > last.Length || lengths[i] < 0 || lengths[i] > data.Length || bytes.WrittenCount + shared[i] + lengths[i] > most)
                throw Damaged();
            last = [.. last.AsSpan(0, (int)shared[i]), .. data[..(int)lengths[i]]];
            data = data[(int)lengths[i]..];
            AddText(last);
        }
    }

    private void AddText(ReadOnlySpan<byte> text)
    {
        if (bytes.WrittenCount + (long)text.Length > Math.Min(most, int.MaxValue))
            throw Damaged();
        bytes.Write(text);
        Ends.Add(bytes.WrittenCount);
    }

    // Where texts start and how long they are, each of which stands behind its length.
    private int[] Lengths(ReadOnlySpan<byte> data, int count)
    {
        if (count * 4L > data.Length)
            throw Damaged();
        int[] places = new int[2 * count];
        for (int i = 0, at = 0; i < count; i++)
        {
            int length = data.Length - at < 4 ? -1 : BinaryPrimitives.ReadInt32LittleEndian(data[at..]);
            if (length < 0 || length > data.Length - at - 4)
                throw Damaged();
            (places[2 * i], places[2 * i + 1]) = (at + 4, length);
            at += 4 + length;
        }
        return places;
    }

    private RowFault Damaged() => ParquetFault.Damaged(field.Name, "does not hold the values that it claims");
}
