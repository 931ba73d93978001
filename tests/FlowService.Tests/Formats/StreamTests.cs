using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using FlowService.Tests.Support;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;

namespace FlowService.Tests.Formats;

/// <summary>Rows that pass through in parts.</summary>
public sealed class StreamTests(SharedService service)
{
    private const string Score = "/logprob?model=two-moons";

    private readonly HttpClient http = service.Http;

    [Fact]
    public async Task Answers_flow_while_the_body_still_arrives()
    {
        float[] rows = Rows(20_000);
        byte[] body = Npy.Of(rows, 20_000, 2);
        byte[] expected = await http.RowsAsync(Score, body, Npy.MediaType);
        using var client = new RawClient(service.Host.Address);

        await client.BeginAsync(Score, Npy.MediaType);
        await client.SendAsync(body.AsMemory(0, body.Length / 2));
        byte[] first = await client.ReadAsync(1000); // of an answer to rows whose successors have not been sent
        await client.SendAsync(body.AsMemory(body.Length / 2));
        await client.EndAsync();
        byte[] rest = await client.ReadAsync(expected.Length - first.Length);

        Assert.Equal(expected, first.Concat(rest));
    }

    [Fact, Trait("Engine", "compiled")]
    public async Task Rows_are_answered_though_far_less_than_a_part_has_arrived()
    {
        string row = (await http.CsvAsync(Score, "1,2\n"))["log_prob\n".Length..];
        using var client = new RawClient(service.Host.Address);

        await client.BeginAsync(Score, "text/csv");
        await client.SendAsync(Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("1,2\n", 100))));
        byte[] first = await client.ReadAsync("log_prob\n".Length + 90 * row.Length);
        await client.EndAsync();

        Assert.Equal("log_prob\n" + string.Concat(Enumerable.Repeat(row, 90)), Encoding.ASCII.GetString(first));
    }

    [Fact]
    public async Task A_client_that_reads_nothing_before_it_has_sent_everything_is_answered()
    {
        const int count = 1_000_000; // an answer of 24 MB: more than sockets hold
        byte[] body = Npy.Of(Rows(count), count, 2);
        using var client = new RawClient(service.Host.Address);

        await client.BeginAsync(Score + "&include=z&dtype=float64", Npy.MediaType);
        await client.SendAsync(body);
        await client.EndAsync();
        byte[] answer = await client.ReadAsync(128 + count * 24);

        double[] numbers = Npy.Read(answer).Doubles;
        Assert.Equal(numbers[..3], numbers[(3 * 1000)..(3 * 1001)]); // the rows repeat after 1000
        Assert.Equal(numbers[..3], numbers[^(3 * 1000)..^(3 * 999)]);
    }

    [Fact]
    public async Task A_fault_behind_the_first_part_breaks_the_answer_off()
    {
        float[] rows = Rows(200_000);
        rows[^1] = float.NaN;

        await Assert.ThrowsAsync<HttpRequestException>(() => http.RowsAsync(Score, Npy.Of(rows, 200_000, 2), Npy.MediaType));

        await Eventually.TrueAsync(() => service.Host.QueuedRows == 0, "nothing of it waits");
        await http.RowsAsync(Score, Npy.Of(rows[..2], 1, 2), Npy.MediaType);
    }

    [Fact]
    public async Task A_client_that_leaves_stops_the_work()
    {
        using TemporaryFolder repository = TestModels.Repository();
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path);
        using HttpClient own = host.Http();
        using (var client = new RawClient(host.Address))
        {
            await client.BeginAsync("/sample?model=wide&count=1000000000", null, Npy.MediaType);
            await client.ReadAsync(100_000);
            Assert.NotEqual(0, host.Pool.Outstanding);
        }

        await Eventually.TrueAsync(() => host.Pool.Outstanding == 0 && host.QueuedRows == 0, "all buffers are back");
    }

    [Fact]
    public async Task No_request_outlives_a_client_that_ends_its_body_and_leaves()
    {
        using TemporaryFolder repository = TestModels.Repository();
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path);
        using MetricCollector<long> requests = host.Metric<long>("Microsoft.AspNetCore.Hosting", "http.server.active_requests");
        for (int i = 0; i < 200; i++) // the end of the body and of the connection arrive together, now and then
        {
            using var client = new RawClient(host.Address);
            await client.BeginAsync(Score, "text/csv");
            await client.SendAsync(Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("1,2\n", 100))));
            await client.ReadAsync(500);
            await client.EndAsync();
        }

        await Eventually.TrueAsync(() => requests.GetMeasurementSnapshot().EvaluateAsCounter() == 0, "no request is under way");
    }

    [Fact]
    public async Task Streams_wait_for_places_where_requests_would_be_refused()
    {
        using TemporaryFolder repository = TestModels.Repository();
        using var hook = new EngineHook();
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, hook.Engines,
            ("Batching:BatchRows", "16"), ("Batching:QueueRows", "16"), ("Limits:RowsPerRequest", "16"), ("Limits:SamplesPerRequest", "16"));
        using HttpClient own = host.Http();
        byte[] expected = await own.RowsAsync("/sample?model=two-moons&count=16&seed=1", null, null, Npy.MediaType);

        hook.Hold();
        Task<byte[]> stream = own.RowsAsync("/sample?model=two-moons&count=4000&seed=1", null, null, Npy.MediaType);
        await hook.Entered();
        await Eventually.TrueAsync(() => host.QueuedRows == 16, "the second part fills the queue");
        hook.Release();

        Assert.Equal(expected[128..], (await stream)[128..expected.Length]);
        Assert.Equal(128 + 4000 * 8, (await stream).Length);
    }

    [Fact, Trait("Engine", "compiled")]
    public async Task Samples_are_the_same_in_any_parts()
    {
        using TemporaryFolder repository = TestModels.Repository();
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, null, ("Batching:BatchRows", "7"));
        using HttpClient own = host.Http();
        JsonElement whole = await http.AskAsync("/sample", """{"model":"digits","count":10,"seed":3,"offset":5,"context":[2,0,1]}""");

        Npy parts = await own.NpyAsync("/sample?model=digits&count=10&seed=3&offset=5&context=2,0,1", null, null);

        Assert.Equal(whole.Rows("samples").SelectMany(row => row), parts.Floats);
    }

    [Fact]
    public async Task Ten_million_rows_pass_in_bounded_memory()
    {
        const int count = 10_000_000, rounds = 10;
        using var repository = new TemporaryFolder();
        TestModels.Write(repository.Path, TestModels.Identity("identity", 2));
        await using ServiceProcess process = await ServiceProcess.StartAsync(repository.Path, ServiceProcess.FreePort(), "--Batching:BatchRows=4096");
        long idle = process.WorkingSet, peak = 0;
        byte[] part = MemoryMarshal.AsBytes<float>(Rows(count / rounds)).ToArray();

        using (var client = new RawClient(new Uri($"http://127.0.0.1:{process.Port}")))
        {
            await client.BeginAsync("/logprob?model=identity", Npy.MediaType);
            await client.SendAsync(Npy.Header("<f4", false, count, 2));
            for (int i = 0; i < rounds; i++)
            {
                await client.SendAsync(part);
                peak = Math.Max(peak, process.WorkingSet);
            }
            await client.EndAsync();
            Assert.Equal(128 + count * 4L, await client.SkipAsync(128 + count * 4L, () => peak = Math.Max(peak, process.WorkingSet)));
        }
        using (var client = new RawClient(new Uri($"http://127.0.0.1:{process.Port}")))
        {
            await client.BeginAsync($"/sample?model=identity&count={count}", null, Npy.MediaType);
            Assert.Equal(128 + count * 8L, await client.SkipAsync(128 + count * 8L, () => peak = Math.Max(peak, process.WorkingSet)));
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{idle / 1e6:f0} MB at idle, {peak / 1e6:f0} MB at the peak");
        // Less than the rows themselves take: neither what came nor what goes is held.
        Assert.True(peak - idle < count * 2L * sizeof(float), $"{idle} bytes at idle, {peak} at the peak");
    }

    [Theory]
    [InlineData("Limits:StreamRows", "1000", "too-many-rows", "Limits:StreamRows")]
    [InlineData("Limits:StreamBytes", "8000", "body-too-large", "Limits:StreamBytes")]
    public async Task A_stream_has_limits_too(string setting, string value, string type, string words)
    {
        using TemporaryFolder repository = TestModels.Repository();
        await using ServiceHost host = await ServiceHost.StartAsync(repository.Path, null, (setting, value));
        using HttpClient own = host.Http();

        JsonElement problem = await own.RefusedAsync(Score, Npy.Of(Rows(1001), 1001, 2), Npy.MediaType, HttpStatusCode.RequestEntityTooLarge);

        Assert.Equal(type, problem.Type());
        Assert.Contains(words, problem.Detail(), StringComparison.Ordinal);
    }

    /// <summary>Rows that repeat after 1000.</summary>
    private static float[] Rows(int count) => [.. Enumerable.Range(0, count).SelectMany(i => new[] { MathF.Sin(i % 1000), MathF.Cos(i % 1000) })];

    /// <summary>A client that sends and reads exactly when it is told to, and has little room for what it has not read.</summary>
    private sealed class RawClient : IDisposable
    {
        private readonly TcpClient tcp = new() { ReceiveBufferSize = 16 << 10 };
        private readonly Stream stream;
        private readonly string host;
        private long chunkLeft;
        private bool isChunked, hasHead;

        public RawClient(Uri address)
        {
            host = address.Authority;
            tcp.Connect(address.Host, address.Port);
            stream = new BufferedStream(tcp.GetStream(), 1 << 16);
        }

        /// <summary>Begins a request; without a type it has no body.</summary>
        public async Task BeginAsync(string path, string? type, string? accept = null)
        {
            string body = type is null ? "Content-Length: 0" : $"Content-Type: {type}\r\nTransfer-Encoding: chunked";
            string head = $"POST {path} HTTP/1.1\r\nHost: {host}\r\n{body}\r\nAccept: {accept ?? "*/*"}\r\n\r\n";
            await tcp.GetStream().WriteAsync(Encoding.ASCII.GetBytes(head));
        }

        public async Task SendAsync(ReadOnlyMemory<byte> bytes)
        {
            await tcp.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"{bytes.Length:x}\r\n"));
            await tcp.GetStream().WriteAsync(bytes);
            await tcp.GetStream().WriteAsync("\r\n"u8.ToArray());
        }

        public async Task EndAsync() => await tcp.GetStream().WriteAsync("0\r\n\r\n"u8.ToArray());

        /// <summary>Reads so many bytes of the answer's body.</summary>
        public async Task<byte[]> ReadAsync(int count)
        {
            var bytes = new byte[count];
            for (int got = 0; got < count;)
                got += await ReadSomeAsync(bytes.AsMemory(got));
            return bytes;
        }

        /// <summary>Reads so many bytes and forgets them.</summary>
        public async Task<long> SkipAsync(long count, Action look)
        {
            var bytes = new byte[1 << 20];
            long got = 0;
            for (int steps = 0; got < count; steps++)
            {
                got += await ReadSomeAsync(bytes.AsMemory(0, (int)Math.Min(bytes.Length, count - got)));
                if (steps % 256 == 0)
                    look();
            }
            return got;
        }

        public void Dispose() => tcp.Dispose();

        private async Task<int> ReadSomeAsync(Memory<byte> target)
        {
            if (!hasHead)
                ReadHead();
            if (isChunked && chunkLeft == 0)
            {
                string size = ReadLine();
                chunkLeft = Convert.ToInt64(size.Length > 0 ? size : ReadLine(), 16); // behind a chunk stands an empty line
            }
            int got = await stream.ReadAsync(isChunked ? target[..(int)Math.Min(target.Length, chunkLeft)] : target);
            Assert.NotEqual(0, got);
            chunkLeft -= got;
            return got;
        }

        private void ReadHead()
        {
            Assert.Equal("HTTP/1.1 200 OK", ReadLine());
            for (string line = ReadLine(); line.Length > 0; line = ReadLine())
                isChunked |= line == "Transfer-Encoding: chunked";
            hasHead = true;
        }

        private string ReadLine()
        {
            var line = new StringBuilder();
            for (int c = stream.ReadByte(); c != '\n'; c = stream.ReadByte())
            {
                Assert.NotEqual(-1, c);
                if (c != '\r')
                    line.Append((char)c);
            }
            return line.ToString();
        }
    }
}
