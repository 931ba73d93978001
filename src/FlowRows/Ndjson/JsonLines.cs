using System.Buffers;
using System.IO.Pipelines;

namespace FlowRows.Ndjson;

/// <summary>The lines of a pipe, without blank ones.</summary>
internal sealed class JsonLines(PipeReader body, long mostBytes)
{
    // A line that does not end must not fill the memory.
    private const int MostLineBytes = 16 << 20;

    private readonly Rowless blanks = Rowless.BlankLines();
    private byte[] line = new byte[4096];
    private int length;
    private long read;
    private bool ended;

    /// <summary>The line; valid until the next one is read.</summary>
    public ReadOnlySpan<byte> Line => line.AsSpan(0, length);

    /// <summary>The number of the line, counted from 1.</summary>
    public long Number { get; private set; }

    /// <summary>Reads the next line; false at the end.</summary>
    public async ValueTask<bool> ReadAsync(CancellationToken cancellation)
    {
        while (!ended)
        {
            ReadResult result = await body.ReadAsync(cancellation);
            ReadOnlySequence<byte> bytes = result.Buffer;
            if (bytes.PositionOf((byte)'\n') is { } end)
                Take(bytes.Slice(0, end), bytes.GetPosition(1, end));
            else if (result.IsCompleted && !bytes.IsEmpty)
                Take(bytes, bytes.End);
            else if (result.IsCompleted)
            {
                body.AdvanceTo(bytes.End);
                ended = true;
                return false;
            }
            else
            {
                CheckLine(bytes.Length);
                body.AdvanceTo(bytes.Start, bytes.End);
                continue;
            }
            if (Line.IndexOfAnyExcept(" \t\r"u8) >= 0)
            {
                blanks.Rows(1);
                return true;
            }
            blanks.Pass();
        }
        return false;
    }

    private void Take(ReadOnlySequence<byte> bytes, SequencePosition next)
    {
        CheckLine(bytes.Length);
        if ((read += bytes.Length + 1) > mostBytes)
            throw BoundedBody.TooLarge(mostBytes);
        length = (int)bytes.Length;
        if (line.Length < length)
            line = new byte[Math.Max(length, line.Length * 2)];
        bytes.CopyTo(line);
        body.AdvanceTo(next);
        Number++;
    }

    private void CheckLine(long bytes)
    {
        if (bytes > MostLineBytes)
            throw new RowFault(RowFaultKind.TooLarge, $"line {Number + 1} is longer than {MostLineBytes} bytes; each row is one line");
    }
}
