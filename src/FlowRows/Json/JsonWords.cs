using System.Text.Json;

namespace FlowRows.Json;

/// <summary>What messages call the parts of JSON.</summary>
internal static class JsonWords
{
    public static string Describe(JsonTokenType token) => token switch
    {
        JsonTokenType.Null => "null",
        JsonTokenType.String => "a string",
        JsonTokenType.True or JsonTokenType.False => "a boolean",
        JsonTokenType.StartArray => "a list",
        JsonTokenType.StartObject => "an object",
        JsonTokenType.Number => "a number",
        _ => token.ToString(),
    };
}
