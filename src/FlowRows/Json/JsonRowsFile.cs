using System.Numerics;
using System.Text.Json;
using FlowRows.Tables;

namespace FlowRows.Json;

/// <summary>
/// JSON that holds rows alone: <c>[[1, 2], [3, 4]]</c>, or an object with them under the name that a request has for them,
/// <c>{"x": [[1, 2]], "context": [[0.5]]}</c>.
/// </summary>
internal sealed class JsonRowsFile<T>(RowSource source) : JsonObjectParser<T>, IDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly RowErrors? errors = source.OnError == OnError.Fail ? null : new();
    private string? current;

    public RowTable<T>? Values { get; private set; }

    public RowTable<T>? Context { get; private set; }

    public RowErrors? Errors => errors;

    /// <summary>Rows that are objects, in the order in which the model takes their columns.</summary>
    public void Arrange(NamedCells named, RowLayout layout)
    {
        RowTable<T> all = Values!;
        (Values, RowTable<T>? context) = named.Arrange(all, layout);
        Context ??= context;
        all.Dispose();
    }

    public void Dispose()
    {
        Values?.Dispose();
        Context?.Dispose();
    }

    protected override void TakeField(ref Utf8JsonReader reader)
    {
        current = reader.GetString()!;
        bool takesContext = source.Layout.Elements(RowNames.Context) is not null;
        if (current != source.Layout.Field && !(current == RowNames.Context && takesContext))
            throw new RowFault(RowFaultKind.UnknownColumn,
                $"field '{current.Shown()}' is unknown here; the fields are {source.Layout.Field}{(takesContext && source.Layout.Field != RowNames.Context ? ", context" : "")}")
            { Field = current.Shown() };
        if (current == RowNames.Context ? Context is not null : Values is not null)
            throw new RowFault(RowFaultKind.InvalidArgument, $"field '{current}' is given twice") { Field = current };
    }

    protected override void TakeValue(ref Utf8JsonReader reader) => BeginRows(ref reader, Table(current!));

    protected override bool TakeOther(ref Utf8JsonReader reader)
    {
        BeginRows(ref reader, Table(source.Layout.Field));
        return true;
    }

    protected override string NameOf(ref Utf8JsonReader reader) => throw new NotSupportedException("no field here is a list of names");

    private RowTable<T> Table(string name)
    {
        // How many rows a context stands for is known once all is read: its errors are its own until then.
        RowErrors? found = errors is null || name == source.Layout.Field ? errors : new();
        var table = new RowTable<T>(name, source.Limits, source.Pool, ExpectedValues) { MayBeFlat = name == RowNames.Context, Errors = found, MayLack = source.MayLack && name != RowNames.Context };
        return name == RowNames.Context ? Context = table : Values = table;
    }
}
