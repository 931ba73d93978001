using System.Runtime.InteropServices;
using System.Text;
using System.Text.Unicode;
using Apache.Arrow;
using Apache.Arrow.Types;
using FlowRows.Buffers;
using FlowRows.Tables;

namespace FlowRows.Csv;

/// <summary>
/// Cells that pass through, one string for each row: its cells as <see cref="CsvText"/> writes them, a comma between them. Most of them are the
/// bytes that were read, and those that are written again.
/// </summary>
internal sealed class CsvLines(RowPool pool) : IDisposable
{
    private readonly RowBuffer<byte> text = pool.RentEmpty<byte>(), ends = pool.RentEmpty<byte>();

    // The offsets of Arrow's strings have 32 bits.
    private const int MostBytes = 1 << 30;

    /// <summary>The number of rows.</summary>
    public int Rows { get; private set; }

    /// <summary>Whether the next row should go into another one.</summary>
    public bool IsFull => text.Length > MostBytes;

    /// <summary>Adds the cells of a row.</summary>
    public void Add(ReadOnlySpan<byte> line)
    {
        MemoryMarshal.Write(ends.Reserve(sizeof(int)), text.Length);
        ends.Advance(sizeof(int));
        line.CopyTo(text.Reserve(line.Length));
        text.Advance(line.Length);
        Rows++;
    }

    /// <summary>Adds them to the columns that pass through, which own their memory from then on.</summary>
    public void AddTo(KeptColumns kept)
    {
        MemoryMarshal.Write(ends.Reserve(sizeof(int)), text.Length);
        ends.Advance(sizeof(int));
        var lines = new StringArray(Rows, new ArrowBuffer(ends.Memory), new ArrowBuffer(text.Memory), ArrowBuffer.Empty);
        kept.Add(new RecordBatch(new Schema([new Field("csv", StringType.Default, nullable: false)], null), [lines], Rows), this);
    }

    /// <summary>The columns of such lines.</summary>
    public static StringArray[] Columns(StringArray lines, int count)
    {
        StringArray.Builder[] columns = [.. Enumerable.Range(0, count).Select(_ => new StringArray.Builder().Reserve(lines.Length))];
        var cell = new List<byte>();
        for (int row = 0; row < lines.Length; row++)
        {
            ReadOnlySpan<byte> left = lines.GetBytes(row);
            foreach (StringArray.Builder column in columns)
            {
                ReadOnlySpan<byte> next = Take(ref left, cell);
                if (Utf8.IsValid(next))
                    column.Append(next);
                else
                    column.Append(Encoding.UTF8.GetString(next)); // other formats hold Unicode alone: what is none becomes U+FFFD
            }
        }
        return [.. columns.Select(column => column.Build())];
    }

    public void Dispose()
    {
        text.Dispose();
        ends.Dispose();
    }

    private static ReadOnlySpan<byte> Take(ref ReadOnlySpan<byte> left, List<byte> cell)
    {
        if (left is not [(byte)'"', ..])
        {
            int end = left.IndexOf((byte)','), length = end < 0 ? left.Length : end;
            ReadOnlySpan<byte> plain = left[..length];
            left = left[Math.Min(length + 1, left.Length)..];
            return plain;
        }
        cell.Clear();
        int i = 1;
        while (left[i] != '"' || (i + 1 < left.Length && left[i + 1] == '"'))
        {
            cell.Add(left[i]);
            i += left[i] == '"' ? 2 : 1;
        }
        left = left[Math.Min(i + 2, left.Length)..];
        return CollectionsMarshal.AsSpan(cell);
    }
}
