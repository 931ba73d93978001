using System.Text;
using System.Text.Json;

namespace FlowService.Wire;

/// <summary>The fields that requests are made of, in whatever media type they come.</summary>
[Flags]
internal enum RequestField
{
    None = 0,
    Model = 1 << 0,
    Version = 1 << 1,
    X = 1 << 2,
    Z = 1 << 3,
    Context = 1 << 4,
    Include = 1 << 5,
    Count = 1 << 6,
    Seed = 1 << 7,
    Temperature = 1 << 8,
    TimeoutMs = 1 << 9,
    Range = 1 << 10,
    Steps = 1 << 11,
    Offset = 1 << 12,
    Priority = 1 << 13,
    Dtype = 1 << 14,
    Keep = 1 << 15,

    Common = Model | Version | Context | TimeoutMs | Priority,
    LogProb = Common | X | Include | Dtype | Keep,
    Sample = Common | Count | Offset | Seed | Temperature | Include | Range | Dtype,
    Encode = LogProb,
    Decode = Common | Z | Include | Range | Dtype | Keep,
    Interpolate = Common | X | Z | Steps | Include | Range,
}

internal static class RequestFields
{
    private static readonly (RequestField Field, string Name)[] Names =
    [
        (RequestField.Model, "model"), (RequestField.Version, "version"), (RequestField.X, "x"), (RequestField.Z, "z"),
        (RequestField.Context, "context"), (RequestField.Include, "include"), (RequestField.Count, "count"),
        (RequestField.Seed, "seed"), (RequestField.Temperature, "temperature"), (RequestField.TimeoutMs, "timeout_ms"),
        (RequestField.Range, "range"), (RequestField.Steps, "steps"), (RequestField.Offset, "offset"), (RequestField.Priority, "priority"),
        (RequestField.Dtype, "dtype"), (RequestField.Keep, "keep"),
    ];

    private static readonly (RequestField Field, byte[] Name)[] Utf8Names = [.. Names.Select(known => (known.Field, Encoding.UTF8.GetBytes(known.Name)))];

    /// <summary>The field's name on the wire.</summary>
    public static string Name(this RequestField field) => Array.Find(Names, known => known.Field == field).Name;

    /// <summary>The field that a property name of JSON names, or None.</summary>
    public static RequestField Named(ref Utf8JsonReader reader)
    {
        foreach ((RequestField field, byte[] name) in Utf8Names)
            if (reader.ValueTextEquals(name))
                return field;
        return RequestField.None;
    }

    /// <summary>The field of a name, or None.</summary>
    public static RequestField Named(string name) => Array.Find(Names, known => known.Name == name).Field;

    /// <summary>The names of a set of fields, for messages.</summary>
    public static string Listed(this RequestField fields) =>
        string.Join(", ", Names.Where(known => fields.HasFlag(known.Field)).Select(known => known.Name));
}
