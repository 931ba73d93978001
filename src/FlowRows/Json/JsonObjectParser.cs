using System.Buffers;
using System.Numerics;
using System.Text.Json;
using FlowRows.Tables;

namespace FlowRows.Json;

/// <summary>
/// One JSON object, in pieces as they arrive, some of whose fields are rows of numbers. Fields may come in any order; a number or
/// a string may be cut between two pieces.
/// </summary>
internal abstract class JsonObjectParser<T>() : JsonPieceParser(MaxDepth)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const int MaxDepth = 8;

    // A guess at the size of the buffer, which then need not grow: few write numbers shorter than this.
    private const int BytesANumber = 8;

    private JsonRowsParser<T>? rows;
    private List<string>? names;
    private bool opened, named;

    /// <summary>A guess at how many values are still to come.</summary>
    protected int ExpectedValues => (int)Math.Min(Ahead / BytesANumber, int.MaxValue);

    protected override bool TakeToken(ref Utf8JsonReader reader)
    {
        if (rows is null || !rows.InRow)
            TakeEnvelope(ref reader);
        else if (!rows.Take(ref reader))
            rows = null;
        else
            return reader.TokenType == JsonTokenType.Number && !rows.Table.IsFlat;
        return false;
    }

    protected override int TakeRun(ReadOnlySpan<byte> bytes) =>
        typeof(T) == typeof(float) ? JsonRowsScanner.Scan(bytes, (RowTable<float>)(object)rows!.Table) : 0;

    // Rows stand in a list in the body's object.
    protected override bool TakeEnd(ReadOnlySpan<byte> bytes)
    {
        if (!bytes.SequenceEqual("]]}"u8))
            return false;
        rows!.Table.EndRow();
        rows = null;
        return true;
    }

    protected override RowFault? NonFinite(in ReadOnlySequence<byte> rest) =>
        rows is { InRow: true } && JsonFault.NonFiniteLiteral(rest) is { } literal ? rows.Table.Invalid($"is {literal}") : null;

    /// <summary>A field begins: refuses one that is unknown or given twice.</summary>
    protected abstract void TakeField(ref Utf8JsonReader reader);

    /// <summary>The value of that field, or the beginning of it.</summary>
    protected abstract void TakeValue(ref Utf8JsonReader reader);

    /// <summary>The token is where the object should begin, and something else; returns whether the value was taken for it.</summary>
    protected abstract bool TakeOther(ref Utf8JsonReader reader);

    /// <summary>The value of a field is rows: from here on tokens go into the table.</summary>
    protected void BeginRows(ref Utf8JsonReader reader, RowTable<T> table)
    {
        rows = new JsonRowsParser<T>(table);
        if (!rows.Take(ref reader))
            rows = null;
    }

    /// <summary>The value of a field is a list of names, whose beginning has been read.</summary>
    protected void BeginNames(List<string> list) => names = list;

    /// <summary>A name of such a list.</summary>
    protected abstract string NameOf(ref Utf8JsonReader reader);

    private void TakeEnvelope(ref Utf8JsonReader reader)
    {
        if (rows is not null)
            rows = rows.Take(ref reader) ? rows : null;
        else if (names is not null)
            TakeName(ref reader, names);
        else if (named)
        {
            named = false;
            TakeValue(ref reader);
        }
        else if (reader.TokenType == JsonTokenType.PropertyName)
        {
            named = true;
            TakeField(ref reader);
        }
        else if (!opened)
            opened = reader.TokenType == JsonTokenType.StartObject || TakeOther(ref reader);
    }

    private void TakeName(ref Utf8JsonReader reader, List<string> list)
    {
        if (reader.TokenType == JsonTokenType.EndArray)
            names = null;
        else
            list.Add(NameOf(ref reader));
    }
}
