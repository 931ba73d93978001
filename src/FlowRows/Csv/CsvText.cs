using System.Globalization;
using System.Text;

namespace FlowRows.Csv;

/// <summary>Records of CSV as bytes (RFC 4180): cells with a comma between them, in quotes where they need them, and a line feed behind.</summary>
internal sealed class CsvText
{
    private const int FewBytes = 1 << 16;

    // As many as any number takes.
    private const int NumberBytes = 64;

    private const byte Comma = (byte)',', Quote = (byte)'"', Comment = (byte)'#';

    private byte[] bytes = new byte[FewBytes];
    private int length, start, cells;

    /// <summary>The bytes so far.</summary>
    public ReadOnlyMemory<byte> Written => bytes.AsMemory(0, length);

    /// <summary>How many they are.</summary>
    public int Length => length;

    /// <summary>Forgets the bytes so far, and the record under way.</summary>
    public void Clear() => (length, start, cells) = (0, 0, 0);

    /// <summary>A cell of text.</summary>
    public void Cell(ReadOnlySpan<byte> utf8)
    {
        if (utf8.IsEmpty)
        {
            Next(0);
            return;
        }
        if (utf8.IndexOfAny(",\"\r\n"u8) < 0 && (cells > 0 || utf8[0] != Comment))
        {
            utf8.CopyTo(Next(utf8.Length));
            length += utf8.Length;
            return;
        }
        Span<byte> room = Next(2 * utf8.Length + 2);
        int at = 0;
        room[at++] = Quote;
        foreach (byte c in utf8)
        {
            if (c == Quote)
                room[at++] = Quote;
            room[at++] = c;
        }
        room[at++] = Quote;
        length += at;
    }

    /// <summary>A cell of text.</summary>
    public void Cell(string text)
    {
        if (text.Length == 0)
            Next(0);
        else
            Cell(Encoding.UTF8.GetBytes(text));
    }

    /// <summary>A cell that needs no quotes: a number, as many digits as bring it back, a date or a time.</summary>
    public void Value<T>(T value, ReadOnlySpan<char> format = default)
        where T : IUtf8SpanFormattable
    {
        value.TryFormat(Next(NumberBytes), out int written, format, CultureInfo.InvariantCulture);
        length += written;
    }

    /// <summary>Cells that are CSV already, in one piece: at least one.</summary>
    public void Cells(ReadOnlySpan<byte> record)
    {
        record.CopyTo(Next(record.Length));
        length += record.Length;
    }

    /// <summary>A cell that is put in later.</summary>
    /// <returns>The bytes before it.</returns>
    public int Gap()
    {
        Next(0);
        return length;
    }

    /// <summary>Bytes that are parts of records, one behind the other.</summary>
    public void Raw(ReadOnlySpan<byte> one, ReadOnlySpan<byte> other)
    {
        Span<byte> room = Room(one.Length + other.Length);
        one.CopyTo(room);
        other.CopyTo(room[one.Length..]);
        length += one.Length + other.Length;
    }

    /// <summary>The record is whole. One that is a single empty cell is written so that it reads as no blank line.</summary>
    public void EndRecord()
    {
        if (length == start)
            "\"\""u8.CopyTo(Room(2));
        length += length == start ? 2 : 0;
        Room(1)[0] = (byte)'\n';
        (start, cells) = (++length, 0);
    }

    /// <summary>A line that is no record.</summary>
    public void CommentLine(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes($"#{text}\n");
        utf8.CopyTo(Room(utf8.Length));
        start = length += utf8.Length;
    }

    // The place of the next cell, with room for so many bytes.
    private Span<byte> Next(int count)
    {
        Span<byte> room = Room(count + 1);
        if (cells++ == 0)
            return room;
        room[0] = Comma;
        length++;
        return room[1..];
    }

    private Span<byte> Room(int count)
    {
        if (bytes.Length - length < count)
            Array.Resize(ref bytes, Math.Max(checked(length + count), (int)Math.Min(2L * bytes.Length, Array.MaxLength)));
        return bytes.AsSpan(length);
    }
}
