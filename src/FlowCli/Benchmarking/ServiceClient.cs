using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace FlowCli.Benchmarking;

/// <summary>One operation of a running service, asked over and over with the same kind of body.</summary>
internal sealed class ServiceClient(HttpClient http, Func<long, byte[]> bodyOf, string path)
{
    private static readonly MediaTypeHeaderValue Json = new("application/json");

    /// <summary>Sends the body of that number; true where the answer was 2xx.</summary>
    public async Task<bool> AskAsync(long number, CancellationToken stop)
    {
        using var content = new ByteArrayContent(bodyOf(number));
        content.Headers.ContentType = Json;
        using HttpResponseMessage answer = await http.PostAsync(path, content, stop);
        await answer.Content.CopyToAsync(Stream.Null, stop);
        return answer.IsSuccessStatusCode;
    }

    /// <summary>The bodies of /logprob: windows of so many rows out of some.</summary>
    public static Func<long, byte[]> LogProbBodies(string model, double[] rows, int width, int rowsEach)
    {
        int count = rows.Length / width / rowsEach;
        byte[][] bodies = [.. Enumerable.Range(0, count).Select(i => LogProbBody(model, rows.AsSpan(i * rowsEach * width, rowsEach * width), width))];
        return number => bodies[number % count];
    }

    /// <summary>The bodies of /sample: each asks for another seed.</summary>
    public static Func<long, byte[]> SampleBodies(string model, int rowsEach) =>
        number => Encoding.UTF8.GetBytes($"{{\"model\":{JsonSerializer.Serialize(model)},\"count\":{rowsEach},\"seed\":{number}}}");

    private static byte[] LogProbBody(string model, ReadOnlySpan<double> rows, int width)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("model", model);
            json.WriteStartArray("x");
            for (int row = 0; row < rows.Length / width; row++)
            {
                json.WriteStartArray();
                foreach (double value in rows.Slice(row * width, width))
                    json.WriteNumberValue((float)value);
                json.WriteEndArray();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return buffer.ToArray();
    }
}
