using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using FlowRows.Json;

namespace FlowRows.Ndjson;

/// <summary>One line's object: where the value of each column stands.</summary>
internal sealed class JsonRecord
{
    private readonly byte[][] utf8;
    private readonly Dictionary<string, int> places;
    private readonly (int Start, int Length, JsonTokenType Kind)[] cells;

    public JsonRecord(string[] names)
    {
        utf8 = Array.ConvertAll(names, Encoding.UTF8.GetBytes);
        places = names.Select((name, place) => (name, place)).ToDictionary(each => each.name, each => each.place, StringComparer.Ordinal);
        cells = new (int, int, JsonTokenType)[names.Length];
    }

    /// <summary>What the value of a column is; None where the line has none.</summary>
    public JsonTokenType Kind(int column) => cells[column].Kind;

    /// <summary>The bytes of a column's value.</summary>
    public ReadOnlySpan<byte> Value(int column, ReadOnlySpan<byte> line) => line.Slice(cells[column].Start, cells[column].Length);

    /// <summary>Finds the columns' values; what is wrong with the line, or null.</summary>
    public string? Read(ReadOnlySpan<byte> line)
    {
        Array.Clear(cells);
        var reader = new Utf8JsonReader(line, new JsonReaderOptions { MaxDepth = 16 });
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                return "is not a JSON object";
            for (int next = 0; reader.Read() && reader.TokenType == JsonTokenType.PropertyName; next++)
            {
                int column = next < utf8.Length && reader.ValueTextEquals(utf8[next]) ? next : places.GetValueOrDefault(reader.GetString()!, -1);
                if (column < 0)
                    return $"has the field '{reader.GetString()!.Shown()}', which the first line has not";
                if (Kind(column) != JsonTokenType.None)
                    return $"has the field '{reader.GetString()!.Shown()}' twice";
                Take(ref reader, column);
            }
            return reader.Read() ? "has something behind its object" : null;
        }
        catch (JsonException)
        {
            return "is not JSON";
        }
        catch (InvalidOperationException)
        {
            return "has a string that is not valid Unicode text";
        }
    }

    /// <summary>The names of a line's object, in order.</summary>
    public static string[] Names(ReadOnlySpan<byte> line)
    {
        var names = new List<string>();
        var reader = new Utf8JsonReader(line, new JsonReaderOptions { MaxDepth = 16 });
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                throw new RowFault(RowFaultKind.InvalidJson, "the first line is not a JSON object; each line is one, with a value under the name of each column");
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                names.Add(reader.GetString()!);
                reader.Skip();
            }
        }
        catch (JsonException e)
        {
            throw new RowFault(RowFaultKind.InvalidJson, $"the first line is not JSON: {JsonFault.Words(e).Shown()}");
        }
        catch (InvalidOperationException)
        {
            throw new RowFault(RowFaultKind.InvalidJson, "the first line is not JSON: a string in it is not valid Unicode text");
        }
        return names.Count == names.Distinct(StringComparer.Ordinal).Count() ? [.. names]
            : throw new RowFault(RowFaultKind.InvalidBody, "two fields of the first line have the same name; rename one of them");
    }

    private void Take(ref Utf8JsonReader reader, int column)
    {
        reader.Read();
        int start = (int)reader.TokenStartIndex;
        JsonTokenType kind = reader.TokenType;
        if (kind == JsonTokenType.String && (reader.ValueIsEscaped || !Utf8.IsValid(reader.ValueSpan)))
            reader.GetString(); // throws where it is not Unicode
        reader.Skip();
        cells[column] = (start, (int)reader.BytesConsumed - start, kind);
    }
}
