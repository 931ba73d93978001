using System.Buffers;
using System.Text.Json;
using FlowService.Errors;
using FlowService.Limits;

namespace FlowService.Wire.Json;

/// <summary>
/// One JSON body, in pieces as they arrive, to a <see cref="RowRequest"/>. Fields may come in any order; a number or a string may
/// be cut between two pieces.
/// </summary>
/// <param name="request">Where the fields are put.</param>
/// <param name="allowed">The fields that there may be.</param>
/// <param name="limits">The limits for one request.</param>
/// <param name="pool">Where rows are put.</param>
/// <param name="seen">The fields that the request has given already, in its query.</param>
internal sealed class JsonRequestParser(RowRequest request, RequestField allowed, LimitsOptions limits, RowPool pool, RequestField seen = RequestField.None)
    : JsonPieceParser(MaxDepth)
{
    private const int MaxDepth = 8;

    // A guess at the size of the buffer, which then need not grow: few write numbers shorter than this.
    private const int BytesANumber = 8;

    private RequestField current;
    private JsonRowsParser? rows;
    private List<string>? names;
    private bool opened;

    /// <summary>The fields that have been given so far.</summary>
    public RequestField Seen => seen;

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

    protected override int TakeRun(ReadOnlySpan<byte> bytes) => JsonRowsScanner.Scan(bytes, rows!.Table);

    // Rows stand in a list in the body's object.
    protected override bool TakeEnd(ReadOnlySpan<byte> bytes)
    {
        if (!bytes.SequenceEqual("]]}"u8))
            return false;
        rows!.Table.EndRow();
        rows = null;
        return true;
    }

    protected override RequestException? NonFinite(in ReadOnlySequence<byte> rest) =>
        rows is { InRow: true } && JsonFault.NonFiniteLiteral(rest) is { } literal ? rows.Table.Invalid($"is {literal}") : null;

    private void TakeEnvelope(ref Utf8JsonReader reader)
    {
        if (rows is not null)
            rows = rows.Take(ref reader) ? rows : null;
        else if (names is not null)
            TakeName(ref reader, names);
        else if (current != RequestField.None)
            TakeValue(ref reader);
        else if (reader.TokenType == JsonTokenType.PropertyName)
            current = TakeField(ref reader);
        else if (!opened && reader.TokenType == JsonTokenType.StartObject)
            opened = true;
        else if (!opened)
            throw new RequestException(ProblemKind.InvalidJson, $"the body must be a JSON object with the fields {allowed.Listed()}; it is {JsonRowsParser.Describe(reader.TokenType)}");
    }

    private RequestField TakeField(ref Utf8JsonReader reader)
    {
        RequestField field = RequestFields.Named(ref reader) & allowed;
        if (field == RequestField.None)
        {
            string name = reader.GetString()!.Shown();
            throw new RequestException(ProblemKind.UnknownField, $"field '{name}' is unknown here; the fields are {allowed.Listed()}") { Field = name };
        }
        if ((seen & field) != 0)
            throw new RequestException(ProblemKind.DuplicateField, $"field '{field.Name()}' is given twice") { Field = field.Name() };
        seen |= field;
        return field;
    }

    private void TakeValue(ref Utf8JsonReader reader)
    {
        RequestField field = current;
        current = RequestField.None;
        if (field is RequestField.X or RequestField.Z)
            BeginRows(ref reader, request.Rows = request.Rows is null ? new RowTable(field, limits, pool, (int)Math.Min(Ahead / BytesANumber, int.MaxValue)) : throw BothGiven());
        else if (reader.TokenType == JsonTokenType.Null)
            return; // an optional field that is null was left out
        else if (field == RequestField.Context)
            BeginRows(ref reader, request.Context = new RowTable(field, limits, pool));
        else if (field == RequestField.Range)
            BeginRows(ref reader, request.Range = new RowTable(field, limits, pool));
        else if (field == RequestField.Include && reader.TokenType == JsonTokenType.StartArray)
            names = request.Include = [];
        else if (field == RequestField.Keep && reader.TokenType == JsonTokenType.StartArray)
            names = request.Keep = [];
        else
            JsonArgument.Take(ref reader, field, request);
    }

    private void BeginRows(ref Utf8JsonReader reader, RowTable table)
    {
        rows = new JsonRowsParser(table);
        if (!rows.Take(ref reader))
            rows = null;
    }

    private static RequestException BothGiven() =>
        new(ProblemKind.InvalidArgument, "x and z are both given; send data rows or latents, not both") { Field = RequestField.Z.Name() };

    private void TakeName(ref Utf8JsonReader reader, List<string> list)
    {
        if (reader.TokenType == JsonTokenType.EndArray)
            names = null;
        else
            list.Add(JsonArgument.Text(ref reader, RequestField.Include));
    }
}
