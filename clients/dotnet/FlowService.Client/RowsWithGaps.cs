using System.Text.Json;
using System.Text.Json.Serialization;

namespace FlowService.Client;

/// <summary>
/// Rows of numbers in which NaN, for which JSON has no word, is null: a value that is not there. Infinity is a number that is too large: the
/// service refuses the one or the other by its place.
/// </summary>
internal sealed class RowsWithGaps : JsonConverter<IReadOnlyList<float[]>>
{
    public override IReadOnlyList<float[]> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        throw new NotSupportedException("rows are only sent");

    public override void Write(Utf8JsonWriter writer, IReadOnlyList<float[]> value, JsonSerializerOptions options)
    {
        writer.WriteStartArray();
        foreach (float[] row in value)
        {
            if (row is null)
            {
                writer.WriteNullValue();
                continue;
            }
            writer.WriteStartArray();
            foreach (float number in row)
                if (float.IsNaN(number))
                    writer.WriteNullValue();
                else if (float.IsInfinity(number))
                    writer.WriteRawValue(number > 0 ? "1e999"u8 : "-1e999"u8);
                else
                    writer.WriteNumberValue(number);
            writer.WriteEndArray();
        }
        writer.WriteEndArray();
    }
}
