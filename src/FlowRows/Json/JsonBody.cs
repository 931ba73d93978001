using System.IO.Pipelines;

namespace FlowRows.Json;

/// <summary>A JSON body from its pipe into a parser, piece by piece.</summary>
internal static class JsonBody
{
    /// <summary>The longest single token, a name say: what the parser must see whole is kept in memory until it ends.</summary>
    private const int MaxTokenBytes = 64 << 10;

    /// <exception cref="RowFault">The body is no JSON, is too large, or not what the parser takes.</exception>
    public static async ValueTask ParseAsync(PipeReader body, JsonPieceParser parser, long mostBytes, CancellationToken cancellation)
    {
        long bytes = 0;
        while (true)
        {
            ReadResult read = await body.ReadAsync(cancellation);
            // A refused body is let go whole: the server drains what is still to come, and keeps the connection.
            SequencePosition consumed = read.Buffer.End;
            try
            {
                if (bytes + read.Buffer.Length > mostBytes)
                    throw TooLarge(mostBytes);
                consumed = parser.Take(read.Buffer, read.IsCompleted);
                long rest = read.Buffer.Slice(consumed).Length;
                bytes += read.Buffer.Length - rest;
                CheckToken(rest);
            }
            finally
            {
                body.AdvanceTo(consumed, read.Buffer.End);
            }
            if (read.IsCompleted || parser.IsDone)
                return;
        }
    }

    /// <summary>Refuses what is left of a body where it is one token that has not ended.</summary>
    public static void CheckToken(long bytes)
    {
        if (bytes > MaxTokenBytes)
            throw new RowFault(RowFaultKind.InvalidJson, $"a name, string or number in the body is longer than {MaxTokenBytes} bytes");
    }

    public static RowFault TooLarge(long mostBytes) => new(RowFaultKind.TooLarge,
        $"the body is larger than {mostBytes} bytes; send fewer rows in one request, or raise Limits:BodyBytes");
}
