using System.Numerics;
using System.Text;
using System.Text.Json;

namespace FlowService.Requests;

/// <summary>What the value of a field is.</summary>
internal enum FieldKind
{
    /// <summary>Any text.</summary>
    Text,

    /// <summary>One of a few words.</summary>
    Word,

    /// <summary>true or false.</summary>
    Flag,

    Integer,

    Number,

    /// <summary>A list of names; in the query with commas between them.</summary>
    Names,

    /// <summary>Rows of numbers, which only a body holds.</summary>
    Rows,

    /// <summary>Rows of numbers, or the numbers of one row; in the query with commas between them.</summary>
    Values,
}

/// <summary>
/// A field of requests: its name, its kind, what it means, and where its value goes. The parser of JSON, the reader of the query and
/// the API's description are all made from it.
/// </summary>
internal sealed class RequestField
{
    private static int count;

    private readonly byte[] utf8;

    /// <param name="name">Its name on the wire.</param>
    /// <param name="kind">What its value is.</param>
    /// <param name="meaning">What it means, for the description.</param>
    /// <param name="take">Reads a value and puts it into the request; rows and names are read by the parser.</param>
    public RequestField(string name, FieldKind kind, string meaning, FieldTaker? take = null)
    {
        (Name, Kind, Meaning, Take, utf8) = (name, kind, meaning, take, Encoding.UTF8.GetBytes(name));
        Bit = 1u << count++;
    }

    public string Name { get; }

    public FieldKind Kind { get; }

    public string Meaning { get; }

    public uint Bit { get; }

    public FieldTaker? Take { get; }

    /// <summary>The words that there are to choose from, where it is one of a few.</summary>
    public string[] Words { get; init; } = [];

    /// <summary>The range of an integer, as descriptions of APIs name it: what the taker reads.</summary>
    public string Format { get; init; } = "int32";

    /// <summary>Whether its numbers are one row, a list without further brackets.</summary>
    public bool IsOneRow { get; init; }

    /// <summary>Whether it says something of a body of rows, and so stands in the query beside it: a JSON body has no place for it.</summary>
    public bool IsOfRowBody { get; init; }

    public bool IsNamed(ref Utf8JsonReader reader) => reader.ValueTextEquals(utf8);

    public override string ToString() => Name;
}

/// <summary>Reads the value of a field into a request.</summary>
internal delegate void FieldTaker(ref Utf8JsonReader reader, RequestField field, RowRequest request);

/// <summary>A set of the fields that requests are made of.</summary>
internal readonly record struct FieldSet(uint Bits)
{
    public FieldSet(params ReadOnlySpan<RequestField> fields) : this(0u)
    {
        foreach (RequestField field in fields)
            Bits |= field.Bit;
    }

    public bool Has(RequestField field) => (Bits & field.Bit) != 0;

    public FieldSet With(RequestField field) => new(Bits | field.Bit);

    public FieldSet Without(params ReadOnlySpan<RequestField> fields) => new(Bits & ~new FieldSet(fields).Bits);

    /// <summary>The fields, in the order in which people meet them.</summary>
    public IEnumerable<RequestField> Fields
    {
        get
        {
            for (uint rest = Bits; rest != 0; rest &= rest - 1)
                yield return RequestFields.All[BitOperations.TrailingZeroCount(rest)];
        }
    }

    public static FieldSet operator |(FieldSet a, FieldSet b) => new(a.Bits | b.Bits);

    /// <summary>The names, for messages.</summary>
    public override string ToString() => string.Join(", ", Fields.Select(field => field.Name));
}
