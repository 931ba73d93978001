using System.Buffers;
using System.Text.Json;
using FlowService.Errors;

namespace FlowService.Wire.Json;

/// <summary>
/// One JSON body, in pieces as they arrive: a number or a string may be cut between two of them. Most of a large body is numbers
/// in lists; those are taken in runs, past the reader.
/// </summary>
internal abstract class JsonPieceParser(int maxDepth)
{
    private JsonReaderState state = new(new JsonReaderOptions { MaxDepth = maxDepth });
    private long consumed;

    /// <summary>The bytes of the piece under way: a guess at how much is to come.</summary>
    protected long Ahead { get; private set; }

    /// <summary>Takes what is whole of a piece, and says where the next piece must begin.</summary>
    /// <exception cref="RequestException">The body is no JSON, or not what it should be.</exception>
    public SequencePosition Take(in ReadOnlySequence<byte> piece, bool isLast)
    {
        ReadOnlySequence<byte> rest = piece;
        Ahead = piece.Length;
        var reader = new Utf8JsonReader(rest, isLast, state);
        try
        {
            while (reader.Read())
                if (TakeToken(ref reader))
                    Hurry(ref reader, ref rest, isLast);
        }
        catch (JsonException e)
        {
            ReadOnlySequence<byte> unread = rest.Slice(reader.BytesConsumed);
            throw NonFinite(unread) ?? new(ProblemKind.InvalidJson, JsonFault.Describe(e, consumed + piece.Length - unread.Length));
        }
        catch (InvalidOperationException)
        {
            throw new RequestException(ProblemKind.InvalidJson, "a string in the body is not valid Unicode text");
        }
        state = reader.CurrentState;
        consumed += piece.Length - rest.Length + reader.BytesConsumed;
        return reader.Position;
    }

    /// <summary>Takes one token; true where it was a number of a list of which more may follow.</summary>
    protected abstract bool TakeToken(ref Utf8JsonReader reader);

    /// <summary>Takes the numbers at the beginning of some bytes, and says how many bytes they were.</summary>
    protected abstract int TakeRun(ReadOnlySpan<byte> bytes);

    /// <summary>NaN and Infinity are no JSON, but what Python's json module writes: the refusal that names their place, where they stand among numbers.</summary>
    protected abstract RequestException? NonFinite(in ReadOnlySequence<byte> rest);

    // The reader goes on behind the last number, in the state it is in now: behind any number of a list that state is the same.
    private void Hurry(ref Utf8JsonReader reader, ref ReadOnlySequence<byte> rest, bool isLast)
    {
        ReadOnlySequence<byte> following = rest.Slice(reader.Position);
        if (TakeRun(following.FirstSpan) is not (> 0 and var taken))
            return;
        rest = following.Slice(taken);
        reader = new Utf8JsonReader(rest, isLast, reader.CurrentState);
    }
}
