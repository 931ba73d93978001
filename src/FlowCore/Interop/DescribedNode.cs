using System.Text.Json;

namespace FlowCore.Interop;

/// <summary>A place in a <c>model.json</c>: values are read by name, and what is missing or odd is reported with its path.</summary>
internal readonly record struct DescribedNode(JsonElement Json, string Path)
{
    public DescribedNode this[string name] => Optional(name) ?? throw Error($"'{name}' is missing");

    public DescribedNode? Optional(string name) =>
        Json.ValueKind == JsonValueKind.Object && Json.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null
            ? new DescribedNode(value, $"{Path}.{name}")
            : null;

    public string Text => Json.ValueKind == JsonValueKind.String ? Json.GetString()! : throw Error("must be a text");

    public bool Flag => Json.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Error("must be true or false"),
    };

    public double Number => Json.ValueKind == JsonValueKind.Number ? Json.GetDouble() : throw Error("must be a number");

    public int Int => Json.ValueKind == JsonValueKind.Number && Json.TryGetInt32(out int value) ? value : throw Error("must be an integer");

    public IEnumerable<DescribedNode> Items
    {
        get
        {
            if (Json.ValueKind != JsonValueKind.Array)
                throw Error("must be a list");
            string path = Path;
            return Json.EnumerateArray().Select((item, i) => new DescribedNode(item, $"{path}[{i}]"));
        }
    }

    public int[] Ints => [.. Items.Select(item => item.Int)];

    /// <summary>A size that libraries write as a number or as a list.</summary>
    public int[] Shape => Json.ValueKind == JsonValueKind.Number ? [Int] : Ints;

    public ImportException Error(string message) => new($"{Path}: {message}");
}
