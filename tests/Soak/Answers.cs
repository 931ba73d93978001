using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Apache.Arrow;
using Apache.Arrow.Ipc;

namespace Soak;

/// <summary>The log-likelihoods that stand in an answer, by format.</summary>
internal static class Answers
{
    /// <summary>The bytes of an array before its header: the magic ones, the version and the length.</summary>
    public const int NpyPreamble = 10;

    private const string LogProb = "log_prob";

    public static float[] OfNpy(byte[] body) => MemoryMarshal.Cast<byte, float>(body.AsSpan(NpyPreamble + body[8] + 256 * body[9])).ToArray();

    public static float[] OfJson(byte[] body) => OfJson(body, LogProb);

    public static float[] OfJson(byte[] body, string field)
    {
        using var document = JsonDocument.Parse(body);
        return Flat(document.RootElement.GetProperty(field));
    }

    public static float[] OfV2(byte[] body)
    {
        using var document = JsonDocument.Parse(body);
        return Flat(document.RootElement.GetProperty("outputs")[0].GetProperty("data"));
    }

    public static float[] OfNdjson(byte[] body) => [.. Lines(body).SelectMany(line => OfJson(Encoding.UTF8.GetBytes(line)))];

    public static float[] OfCsv(byte[] body) => [.. Lines(body).Skip(1).Select(line => float.Parse(line.Split(',')[^1], CultureInfo.InvariantCulture))];

    public static float[] OfArrow(byte[] body)
    {
        using var reader = new ArrowStreamReader(new MemoryStream(body));
        var values = new List<float>();
        for (RecordBatch? batch; (batch = reader.ReadNextRecordBatch()) is not null; batch.Dispose())
            values.AddRange(((FloatArray)batch.Column(LogProb)).Values);
        return [.. values];
    }

    private static string[] Lines(byte[] body) =>
        Encoding.UTF8.GetString(body).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static float[] Flat(JsonElement value) =>
        value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().SelectMany(Flat)] : [value.GetSingle()];
}
