using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using FlowService.OpenInference.Grpc.Protocol;
using Google.Protobuf;
using Grpc.Core;
using static FlowService.OpenInference.Grpc.Protocol.ModelInferRequest.Types;

namespace Soak;

/// <summary>Requests in every format whose right answers are known, and such as must be refused or are left alone.</summary>
internal sealed class Traffic(RightRows rows, SoakedService service)
{
    private const int LargestSample = 3000, RowsOfAVanisher = 100_000;
    private const string Model = SoakedService.Model, Npy = "application/x-npy";

    private static readonly string[] Hostile =
    [
        "", "{", "[[[[[[", """{"model":"two-moons","x":[[1,2],[3]]}""", """{"model":"two-moons","x":[[NaN,1]]}""",
        """{"model":"none","x":[[0,1]]}""", """{"model":"../two-moons","x":[[0,1]]}""", """{"model":"two-moons","count":-1}""",
    ];

    /// <summary>One request of a kind that chance names; a word for what became of it.</summary>
    /// <exception cref="InvalidOperationException">The answer is wrong.</exception>
    public async Task<string> OneAsync(HttpClient http, Random random)
    {
        Range some = RightRows.Some(random);
        return random.Next(13) switch
        {
            0 => await HostileAsync(http, random),
            1 => await VanishAsync(random),
            2 => await AskAsync(http, some, "text/csv", rows.Csv(some), Answers.OfCsv),
            3 or 4 => await AskAsync(http, some, Npy, rows.Npy(some), Answers.OfNpy),
            5 => await AskAsync(http, some, "application/json", rows.V2(some), Answers.OfV2, $"/v2/models/{Model}/infer"),
            6 => await AskAsync(http, some, "application/x-ndjson", rows.Ndjson(some), Answers.OfNdjson),
            7 => await AskAsync(http, some, "application/vnd.apache.arrow.stream", rows.Arrow(some), Answers.OfArrow),
            8 => await AskAsync(http, some, "application/vnd.apache.parquet", await rows.ParquetAsync(some), Answers.OfNpy, accept: Npy),
            9 => await CallAsync(some),
            10 => await SampleAsync(http, random),
            _ => await AskAsync(http, some, "application/json", rows.Json(Model, some), Answers.OfJson, "/logprob"),
        };
    }

    private async Task<string> AskAsync(
        HttpClient http, Range asked, string type, byte[] body, Func<byte[], float[]> read, string path = $"/logprob?model={Model}", string? accept = null)
    {
        if (await AnswerAsync(http, path, type, body, accept) is not { } answer)
            return "refused";
        rows.Check(type, asked, read(answer));
        return "right";
    }

    private async Task<string> SampleAsync(HttpClient http, Random random)
    {
        int count = random.Next(1, random.Next(20) == 0 ? LargestSample : 50);
        string body = $$"""{"model":"{{Model}}","count":{{count}},"seed":{{random.Next()}},"temperature":0.8,"include":["log_prob"]}""";
        if (await AnswerAsync(http, "/sample", "application/json", Encoding.UTF8.GetBytes(body)) is not { } answer)
            return "refused";
        rows.CheckSamples(Answers.OfJson(answer, "samples"), Answers.OfJson(answer));
        return "right";
    }

    private async Task<string> CallAsync(Range asked)
    {
        byte[] values = rows.Bytes(asked).ToArray();
        var request = new ModelInferRequest { ModelName = Model };
        request.Inputs.Add(new InferInputTensor { Name = "x", Datatype = "FP32", Shape = { values.Length / sizeof(float) / RightRows.Columns, RightRows.Columns } });
        request.Outputs.Add(new InferRequestedOutputTensor { Name = "log_prob" });
        request.RawInputContents.Add(ByteString.CopyFrom(values));
        try
        {
            ModelInferResponse answer = await service.Grpc.ModelInferAsync(request);
            rows.Check("gRPC", asked, MemoryMarshal.Cast<byte, float>(answer.RawOutputContents[0].Span));
            return "right";
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.ResourceExhausted or StatusCode.Unavailable)
        {
            return "refused";
        }
    }

    // Null where the service has said that it is busy.
    private static async Task<byte[]?> AnswerAsync(HttpClient http, string path, string type, byte[] body, string? accept = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new(type);
        if (accept is not null)
            request.Headers.Accept.Add(new(accept));
        using HttpResponseMessage response = await http.SendAsync(request);
        byte[] answer = await response.Content.ReadAsByteArrayAsync();
        return response.StatusCode switch
        {
            HttpStatusCode.OK => answer,
            HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable or HttpStatusCode.InsufficientStorage => null,
            _ => throw new InvalidOperationException($"{path}, {type}: {(int)response.StatusCode}: {Encoding.UTF8.GetString(answer)}"),
        };
    }

    private static async Task<string> HostileAsync(HttpClient http, Random random)
    {
        using var content = new StringContent(Hostile[random.Next(Hostile.Length)], Encoding.UTF8, "application/json");
        using HttpResponseMessage response = await http.PostAsync("/logprob", content);
        return (int)response.StatusCode is >= 400 and < 500 or 503
            ? "hostile"
            : throw new InvalidOperationException($"a hostile body was answered with {(int)response.StatusCode}");
    }

    // Sends a part of a request, or all of it, and is gone: before the answer, or while it waits for a reader.
    private async Task<string> VanishAsync(Random random)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, service.Port);
        byte[] request = Encoding.ASCII.GetBytes(
            $"POST /sample?model={Model}&count={RowsOfAVanisher} HTTP/1.1\r\nHost: localhost\r\nAccept: text/csv\r\nContent-Length: 0\r\n\r\n");
        bool asks = random.Next(2) == 0;
        await socket.SendAsync(request.AsMemory(0, asks ? request.Length : random.Next(1, request.Length)));
        if (asks && random.Next(2) == 0)
            await socket.ReceiveAsync(new byte[100]);
        socket.LingerState = new LingerOption(true, random.Next(2));
        return "vanished";
    }
}
