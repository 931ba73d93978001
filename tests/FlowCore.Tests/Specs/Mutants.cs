using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using FlowCore.Checkpoints;

namespace FlowCore.Tests.Specs;

/// <summary>A flow.json with one field changed.</summary>
public sealed record Mutant(string Field, string Change, Func<byte[]> Json);

/// <summary>Every field of a description, those that it leaves out included, changed in every way that a slip or malice would change it.</summary>
public static class Mutants
{
    private static readonly JsonSerializerOptions WithNulls = new(SpecJson.Options) { DefaultIgnoreCondition = JsonIgnoreCondition.Never, WriteIndented = false };

    private static readonly string[] AnyValues = ["null", "\"text\"", "\"\"", "\"NaN\"", "[]", "{}", "[null]", "[{}]", "true", "false", "0", "1", "-1", "2", "0.7", "1e9", "2147483647", "1e308", "-1e308"];

    // Names that stand for something somewhere in a description.
    private static readonly string[] Words =
    [
        "first_half", "even", "checkerboard_even", "packed_checkerboard_odd", "reverse", "swap", "shuffle", "explicit", "inner_first", "split_first", "same_shape", "plain", "plu",
        "by_channel", "by_diagonal", "linear", "circular", "box", "exp", "tanh", "softclip", "sigmoid", "softplus", "rescaled_tanh", "none", "relu", "leaky_relu(-3)", "leaky_relu(1e400)", "elu(NaN)",
        "affine", "spline", "arcsinh", "gaussianization", "coupling", "autoregressive", "elementwise", "inverted", "squeeze", "unsqueeze", "split", "permutation", "rotation", "standardize", "logit",
        "mlp", "made", "residual_net", "sequence", "zeros", "scale", "layer_norm", "concat_negative", "add_context", "standard_normal", "box_uniform", "levels", "class_normal", "gaussian_mixture",
    ];

    private static readonly string[] Lists =
        ["[0]", "[1]", "[-1]", "[0,0]", "[1,0]", "[0.5,1e308]", "[2147483647]", "[\"circular\"]", "[\"box\",\"linear\"]", "[7]",
            """[{"width":1,"base":{"kind":"standard_normal"}}]""", """[{"kind":"scale","factor":2}]"""];

    public static IEnumerable<Mutant> Of(FlowSpec spec)
    {
        JsonNode root = JsonSerializer.SerializeToNode(spec, WithNulls)!;
        foreach (string path in Paths(root).ToArray())
            foreach (var (change, value) in Changes(At(root, path)))
                yield return new(path, change, () => Changed(root, path, value));
    }

    private static IEnumerable<string> Paths(JsonNode node)
    {
        foreach (var (key, child) in Children(node))
        {
            string path = key;
            yield return path;
            if (child is not null)
                foreach (string below in Paths(child))
                    yield return $"{path}/{below}";
        }
    }

    private static IEnumerable<(string Key, JsonNode? Child)> Children(JsonNode node) => node switch
    {
        JsonObject entries => entries.Select(entry => (entry.Key, entry.Value)),
        // Of a long list of numbers the ends and the middle are enough.
        JsonArray list => Enumerable.Range(0, list.Count).Where(i => list.Count <= 6 || list[i] is JsonObject || i == 0 || i == list.Count / 2 || i == list.Count - 1)
            .Select(i => ($"{i}", list[i])),
        _ => [],
    };

    // What a value may become; null stands for: without the field.
    private static IEnumerable<(string Change, string? Value)> Changes(JsonNode? value)
    {
        IEnumerable<string> values = AnyValues;
        if (value is JsonValue number && number.TryGetValue(out double v))
            values = values.Concat(new[] { -v, v + 1, v * 2, v / 2, v + 1e-3 }.Select(other => other.ToString("r", CultureInfo.InvariantCulture)));
        if (value is null || value.GetValueKind() == JsonValueKind.String)
            values = values.Concat(Words.Select(word => $"\"{word}\""));
        if (value is JsonArray or null)
            values = values.Concat(Lists);
        IEnumerable<(string, string?)> changes = [("missing", null), .. values.Select(text => (text, (string?)text))];
        return value is not JsonArray { Count: > 0 } array ? changes : changes.Concat(
        [
            ("first twice", Text([array[0], .. array])),
            ("last removed", Text(array.Take(array.Count - 1))),
            ("turned round", Text(array.Reverse())),
        ]);
    }

    private static string Text(IEnumerable<JsonNode?> entries) => $"[{string.Join(',', entries.Select(entry => entry?.ToJsonString() ?? "null"))}]";

    private static JsonNode? At(JsonNode root, string path) =>
        path.Split('/').Aggregate<string, JsonNode?>(root, (node, key) => node is JsonArray list ? list[int.Parse(key, CultureInfo.InvariantCulture)] : node![key]);

    private static byte[] Changed(JsonNode root, string path, string? value)
    {
        JsonNode copy = root.DeepClone();
        int last = path.LastIndexOf('/');
        JsonNode parent = last < 0 ? copy : At(copy, path[..last])!;
        string key = path[(last + 1)..];
        // The parser keeps numbers as they are written, whatever their size.
        if (parent is JsonArray list && value is null)
            list.RemoveAt(int.Parse(key, CultureInfo.InvariantCulture));
        else if (parent is JsonArray entries)
            entries[int.Parse(key, CultureInfo.InvariantCulture)] = JsonNode.Parse(value!);
        else if (value is null)
            parent.AsObject().Remove(key);
        else
            parent[key] = JsonNode.Parse(value);
        return Encoding.UTF8.GetBytes(copy.ToJsonString());
    }
}
