using System.Buffers;
using System.Text.Json;

namespace FlowRows.Json;

/// <summary>
/// One JSON body, in pieces as they arrive: a number or a string may be cut between two of them. Most of a large body is numbers
/// in lists; those are taken in runs, past the reader.
/// </summary>
internal abstract class JsonPieceParser(int maxDepth)
{
    private JsonReaderState state = new(new JsonReaderOptions { MaxDepth = maxDepth });
    private long consumed;

    /// <summary>Whether nothing more of the body is wanted.</summary>
    public bool IsDone { get; protected set; }

    /// <summary>The bytes of the piece under way: a guess at how much is to come.</summary>
    protected long Ahead { get; private set; }

    /// <summary>Takes what is whole of a piece, and says where the next piece must begin.</summary>
    /// <exception cref="RowFault">The body is no JSON, or not what it should be.</exception>
    public SequencePosition Take(in ReadOnlySequence<byte> piece, bool isLast)
    {
        // Most pieces are one segment, and a span is read faster than a sequence.
        ReadOnlySpan<byte> whole = piece.IsSingleSegment ? piece.FirstSpan : default;
        Ahead = piece.Length;
        long start = 0; // of what the reader has been given
        Utf8JsonReader reader = ReaderFrom(piece, whole, start, isLast, state);
        try
        {
            while (reader.Read())
            {
                bool isNumber = TakeToken(ref reader);
                if (IsDone)
                    return piece.End;
                if (!isNumber)
                    continue;
                long here = start + reader.BytesConsumed;
                ReadOnlySpan<byte> following = whole.IsEmpty ? piece.Slice(here).FirstSpan : whole[(int)here..];
                int taken = TakeRun(following);
                if (isLast && here + following.Length == Ahead && TakeEnd(following[taken..]))
                    return piece.End;
                if (taken == 0)
                    continue;
                // The reader goes on behind the last number, in the state it is in now: behind any number of a list that state is the same.
                start = here + taken;
                reader = ReaderFrom(piece, whole, start, isLast, reader.CurrentState);
            }
        }
        catch (JsonException e)
        {
            long end = start + reader.BytesConsumed;
            throw NonFinite(piece.Slice(end)) ?? new RowFault(RowFaultKind.InvalidJson, JsonFault.Describe(e, consumed + end));
        }
        catch (InvalidOperationException)
        {
            throw new RowFault(RowFaultKind.InvalidJson, "a string in the body is not valid Unicode text");
        }
        start += reader.BytesConsumed;
        consumed += start;
        if (!isLast)
            state = reader.CurrentState;
        return start == Ahead ? piece.End : piece.GetPosition(start);
    }

    /// <summary>Takes one token; true where it was a number of a list of which more may follow.</summary>
    protected abstract bool TakeToken(ref Utf8JsonReader reader);

    /// <summary>Takes the numbers at the beginning of some bytes, and says how many bytes they were.</summary>
    protected abstract int TakeRun(ReadOnlySpan<byte> bytes);

    /// <summary>
    /// Takes what the body ends with behind its last number, if it is as short as it can be: to tell that from it costs less than another reader.
    /// </summary>
    protected virtual bool TakeEnd(ReadOnlySpan<byte> bytes) => false;

    /// <summary>NaN and Infinity are no JSON, but what Python's json module writes: the refusal that names their place, where they stand among numbers.</summary>
    protected abstract Exception? NonFinite(in ReadOnlySequence<byte> rest);

    private static Utf8JsonReader ReaderFrom(in ReadOnlySequence<byte> piece, ReadOnlySpan<byte> whole, long start, bool isLast, JsonReaderState state) =>
        whole.IsEmpty ? new(piece.Slice(start), isLast, state) : new(whole[(int)start..], isLast, state);
}
