using System.Numerics;

namespace FlowService.Requests;

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
