using System.Text.Json;
using FlowRows;
using FlowRows.Buffers;
using FlowRows.Json;
using FlowRows.Scoring;
using FlowRows.Tables;
using FlowService.Errors;

namespace FlowService.Requests;

/// <summary>One JSON body, in pieces as they arrive, to a <see cref="RowRequest"/>.</summary>
/// <param name="request">Where the fields are put.</param>
/// <param name="allowed">The fields that there may be.</param>
/// <param name="limits">The limits for one request.</param>
/// <param name="pool">Where rows are put.</param>
/// <param name="seen">The fields that the request has given already, in its query.</param>
internal sealed class JsonRequestParser(RowRequest request, FieldSet allowed, RowLimits limits, RowPool pool, FieldSet seen = default)
    : JsonObjectParser<float>
{
    private RequestField current = RequestFields.Model;

    /// <summary>The fields that have been given so far.</summary>
    public FieldSet Seen => seen;

    /// <summary>Called before the first row is read, with the fields that stand before it; what is refused is not read on.</summary>
    public Func<RowRequest, RequestException?>? BeforeRows { get; init; }

    protected override bool TakeOther(ref Utf8JsonReader reader) => throw new RequestException(ProblemKind.InvalidJson,
        $"the body must be a JSON object with the fields {allowed}; it is {JsonWords.Describe(reader.TokenType)}");

    protected override void TakeField(ref Utf8JsonReader reader)
    {
        if (RequestFields.Named(ref reader) is not { } field || !allowed.Has(field))
            throw Unknown(reader.GetString()!.Shown());
        if (seen.Has(field))
            throw new RequestException(ProblemKind.DuplicateField, $"field '{field.Name}' is given twice") { Field = field.Name };
        seen = seen.With(field);
        current = field;
    }

    protected override void TakeValue(ref Utf8JsonReader reader)
    {
        RequestField field = current;
        if (field.Kind == FieldKind.Rows)
            TakeRows(ref reader, field);
        else if (reader.TokenType == JsonTokenType.Null)
            return; // an optional field that is null was left out
        else if (field.Kind == FieldKind.Values)
            BeginRows(ref reader, Values(field));
        else if (field.Kind != FieldKind.Names)
            Take(ref reader, field);
        else if (reader.TokenType == JsonTokenType.StartArray)
            BeginNames(field == RequestFields.Include ? request.Include = [] : request.Keep = []);
        else
            throw JsonArgument.Wrong(ref reader, field, "a list of strings");
    }

    protected override string NameOf(ref Utf8JsonReader reader) => JsonArgument.Text(ref reader, RequestFields.Include);

    private RequestException Unknown(string name)
    {
        string reason = RequestFields.Named(name) is { IsOfRowBody: true } ? "says something of a body of NumPy, CSV or Arrow rows, and stands in the query beside it" : "is unknown here";
        return new(ProblemKind.UnknownField, $"field '{name}' {reason}; the fields are {allowed}") { Field = name };
    }

    private void Take(ref Utf8JsonReader reader, RequestField field)
    {
        field.Take!(ref reader, field, request);
        if (field == RequestFields.Missing && request.Rows is not null && request.Scores.Missing == Missing.Marginalize)
            throw new RequestException(ProblemKind.InvalidArgument, "missing must stand before the rows, or in the query") { Field = field.Name };
        if (field == RequestFields.OnError && (request.Rows ?? request.Context) is not null && request.OnError != OnError.Fail)
            throw new RequestException(ProblemKind.InvalidArgument, "on_error must stand before the rows and their context, or in the query") { Field = field.Name };
    }

    private void TakeRows(ref Utf8JsonReader reader, RequestField field)
    {
        if (request.Rows is not null)
            throw new RequestException(ProblemKind.InvalidArgument, "x and z are both given; send data rows or latents, not both")
            { Field = RowNames.Z };
        if ((request.Refusal = BeforeRows?.Invoke(request)) is not null)
        {
            IsDone = true;
            return;
        }
        if (request.OnError != OnError.Fail)
            request.Errors = new();
        BeginRows(ref reader, request.Rows = new RowTable<float>(field.Name, limits, pool, ExpectedValues)
        {
            Errors = request.Errors,
            MayLack = request.Scores.Missing == Missing.Marginalize,
        });
    }

    private RowTable<float> Values(RequestField field)
    {
        // How many rows it stands for is known once all is read: its errors are its own until then.
        RowErrors? errors = field == RequestFields.Context && request.OnError != OnError.Fail ? new() : null;
        var table = new RowTable<float>(field.Name, limits, pool) { MayBeFlat = true, Errors = errors };
        if (field == RequestFields.Context)
            return request.Context = table;
        return field == RequestFields.Size ? request.Size = table : request.Range = table;
    }
}
