using System.Text.Json;
using System.Text.Json.Serialization;

namespace FlowService.Client;

/// <summary>Rows of numbers in which NaN, for which JSON has no word, is null: a value that is not there.</summary>
internal sealed class RowsWithGaps : JsonConverter<IReadOnlyList<float[]>>
{
    public override IReadOnlyList<float[]> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        throw new NotSupportedException("rows are only sent");

    public override void Write(Utf8JsonWriter writer, IReadOnlyList<float[]> value, JsonSerializerOptions options)
    {
        writer.WriteStartArray();
        foreach (float[] row in value)
        {
            writer.WriteStartArray();
            foreach (float number in row)
                if (float.IsNaN(number))
                    writer.WriteNullValue();
                else
                    writer.WriteNumberValue(number);
            writer.WriteEndArray();
        }
        writer.WriteEndArray();
    }
}
