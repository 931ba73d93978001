using System.Text;
using System.Text.Json;

namespace FlowService.OpenInference.Rest;

/// <summary>The properties of a request that mean something here. All others are ignored, as the protocol's extensions ask.</summary>
internal enum Property
{
    Other,
    Id,
    Parameters,
    Inputs,
    Outputs,
    Name,
    Datatype,
    Shape,
    Data,
}

internal static class Properties
{
    private static readonly (Property Property, byte[] Name)[] Names =
        [.. Enum.GetValues<Property>().Where(property => property != Property.Other).Select(property => (property, Encoding.UTF8.GetBytes(property.Name())))];

    /// <summary>The name on the wire.</summary>
    public static string Name(this Property property) => JsonNamingPolicy.SnakeCaseLower.ConvertName(property.ToString());

    /// <summary>The property that the reader stands at.</summary>
    public static Property Named(ref Utf8JsonReader reader)
    {
        foreach ((Property property, byte[] name) in Names)
            if (reader.ValueTextEquals(name))
                return property;
        return Property.Other;
    }
}
