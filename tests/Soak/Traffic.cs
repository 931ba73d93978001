using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using FlowCore.Checkpoints;
using FlowCore.Engines;

namespace Soak;

/// <summary>Requests in every format whose right answers are known, and such as must be refused or are left alone.</summary>
internal sealed class Traffic
{
    private const int Pool = 512, Columns = 2, NpyPreamble = 10;
    private const string Model = "two-moons";
    private const float Tolerance = 1e-4f;

    private static readonly string[] Hostile =
        ["", "{", "[[[[[[", """{"model":"two-moons","x":[[1,2],[3]]}""", """{"model":"two-moons","x":[[NaN,1]]}""", """{"model":"none","x":[[0,1]]}""", """{"model":"../two-moons","x":[[0,1]]}""", """{"model":"two-moons","count":-1}"""];

    private readonly float[] rows = new float[Pool * Columns], right = new float[Pool];

    /// <param name="folder">The model's own folder: its answers are computed here, without a service.</param>
    public Traffic(string folder)
    {
        using FlowEngine<float> engine = Engine.Open<float>(Checkpoint.Read(folder));
        var random = new Random(1);
        for (int i = 0; i < rows.Length; i++)
            rows[i] = 3 * random.NextSingle() - 1;
        engine.Forward(rows, [], [], new float[Pool], right);
    }

    /// <summary>One request of a kind that chance names; a word for what became of it.</summary>
    /// <exception cref="InvalidOperationException">The answer is wrong.</exception>
    public Task<string> OneAsync(HttpClient http, int port, Random random) => random.Next(10) switch
    {
        0 => HostileAsync(http, random),
        1 => VanishAsync(port, random),
        2 => AskAsync(http, random, "/logprob?model=" + Model, "text/csv", Csv, ReadCsv),
        3 or 4 => AskAsync(http, random, "/logprob?model=" + Model, "application/x-npy", Npy, ReadNpy),
        5 => AskAsync(http, random, $"/v2/models/{Model}/infer", "application/json", V2, ReadV2),
        6 => AskAsync(http, random, "/logprob?model=" + Model, "application/x-ndjson", Ndjson, ReadNdjson),
        _ => AskAsync(http, random, "/logprob", "application/json", Json, ReadJson),
    };

    private async Task<string> AskAsync(HttpClient http, Random random, string path, string type, Func<int, int, byte[]> write, Func<byte[], float[]> read)
    {
        int count = random.Next(20) == 0 ? random.Next(1, Pool) : random.Next(1, 20), first = random.Next(Pool - count);
        using var content = new ByteArrayContent(write(first, count));
        content.Headers.ContentType = new(type);
        using HttpResponseMessage response = await http.PostAsync(path, content);
        byte[] body = await response.Content.ReadAsByteArrayAsync();
        if (response.StatusCode is HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable)
            return "refused";
        if (response.StatusCode != HttpStatusCode.OK)
            throw new InvalidOperationException($"{type}: {(int)response.StatusCode}: {Encoding.UTF8.GetString(body)}");
        float[] answers = read(body);
        if (answers.Length != count)
            throw new InvalidOperationException($"{type}: {answers.Length} answers to {count} rows");
        for (int i = 0; i < count; i++)
            if (!(Math.Abs(answers[i] - right[first + i]) <= Tolerance * (1 + Math.Abs(right[first + i]))))
                throw new InvalidOperationException($"{type}: row {i} is {answers[i]}, and {right[first + i]} is right");
        return "right";
    }

    private static async Task<string> HostileAsync(HttpClient http, Random random)
    {
        using var content = new StringContent(Hostile[random.Next(Hostile.Length)], Encoding.UTF8, "application/json");
        using HttpResponseMessage response = await http.PostAsync("/logprob", content);
        return (int)response.StatusCode is >= 400 and < 500 or 503 ? "hostile" : throw new InvalidOperationException($"a hostile body was answered with {(int)response.StatusCode}");
    }

    // Sends a part of a request, or all of it, and is gone.
    private static async Task<string> VanishAsync(int port, Random random)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, port);
        byte[] request = Encoding.ASCII.GetBytes("POST /sample HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 36\r\n\r\n{\"model\":\"two-moons\",\"count\": 5000 }");
        await socket.SendAsync(request.AsMemory(0, random.Next(2) == 0 ? request.Length : random.Next(1, request.Length)));
        socket.LingerState = new LingerOption(true, random.Next(2));
        return "vanished";
    }

    private string Rows(int first, int count, string begin, string between, string end, string comma = ",") => string.Join(between, Enumerable.Range(first, count).Select(row =>
        string.Create(CultureInfo.InvariantCulture, $"{begin}{rows[row * Columns]:R}{comma}{rows[row * Columns + 1]:R}{end}")));

    private byte[] Json(int first, int count) => Encoding.UTF8.GetBytes($$"""{"model":"{{Model}}","x":[{{Rows(first, count, "[", ",", "]")}}]}""");

    private byte[] Csv(int first, int count) => Encoding.UTF8.GetBytes("x,y\n" + Rows(first, count, "", "\n", "") + "\n");

    private byte[] Ndjson(int first, int count) => Encoding.UTF8.GetBytes(Rows(first, count, "{\"x\":", "\n", "}", ",\"y\":") + "\n");

    private byte[] V2(int first, int count) => Encoding.UTF8.GetBytes(
        $$"""{"inputs":[{"name":"x","datatype":"FP32","shape":[{{count}},{{Columns}}],"data":[{{Rows(first, count, "[", ",", "]")}}]}],"outputs":[{"name":"log_prob"}]}""");

    private byte[] Npy(int first, int count)
    {
        string header = $"{{'descr': '<f4', 'fortran_order': False, 'shape': ({count}, {Columns}), }}";
        header = header.PadRight((header.Length + NpyPreamble + 64) / 64 * 64 - NpyPreamble - 1) + '\n';
        return [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, (byte)(header.Length >> 8), .. Encoding.ASCII.GetBytes(header), .. MemoryMarshal.AsBytes(rows.AsSpan(first * Columns, count * Columns))];
    }

    private static float[] ReadNpy(byte[] body) => MemoryMarshal.Cast<byte, float>(body.AsSpan(NpyPreamble + body[8] + 256 * body[9])).ToArray();

    private static float[] ReadJson(byte[] body) => Floats(JsonDocument.Parse(body).RootElement.GetProperty("log_prob"));

    private static float[] ReadV2(byte[] body) => Floats(JsonDocument.Parse(body).RootElement.GetProperty("outputs")[0].GetProperty("data"));

    private static float[] ReadNdjson(byte[] body) => [.. Lines(body).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("log_prob").GetSingle())];

    private static float[] ReadCsv(byte[] body) => [.. Lines(body).Skip(1).Select(line => float.Parse(line.Split(',')[^1], CultureInfo.InvariantCulture))];

    private static string[] Lines(byte[] body) => Encoding.UTF8.GetString(body).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static float[] Floats(JsonElement array) => [.. array.EnumerateArray().Select(value => value.GetSingle())];
}
