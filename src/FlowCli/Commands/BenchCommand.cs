using System.CommandLine;
using System.Globalization;
using FlowCli.Benchmarking;
using FlowCore;
using FlowCore.Engines;
using FlowCore.Tensors;
using FlowRows.Answers;
using Spectre.Console;

namespace FlowCli.Commands;

/// <summary><c>flow bench</c>: how fast a running service answers, beside the same model in this process.</summary>
internal static class BenchCommand
{
    private const ulong RowSeed = 1;
    private const int LeastRows = 4096;

    private static readonly TimeSpan InProcessTime = TimeSpan.FromSeconds(2);

    private sealed record Request(Uri Url, string Model, string Operation, int Rows, int Concurrency, int Seconds, string Models, EngineKind Engine, string Device, int Threads);

    public static Command Create(Terminal terminal)
    {
        var url = new Option<string>("--url") { Description = "The service.", DefaultValueFactory = _ => "http://localhost:8080" };
        url.Validators.Add(result =>
        {
            if (!Uri.TryCreate(result.GetValueOrDefault<string>(), UriKind.Absolute, out Uri? parsed) || parsed.Scheme is not ("http" or "https"))
                result.AddError($"--url: '{result.GetValueOrDefault<string>()}' is not an http address");
        });
        var model = new Option<string>("--model") { Description = "The model's name.", HelpName = "NAME", Required = true };
        var operation = new Option<string>("--operation") { Description = "What to ask for.", DefaultValueFactory = _ => "logprob" };
        operation.AcceptOnlyFromAmong("logprob", "sample");
        var rows = CommonOptions.Count("--rows", "Rows in each request (default 1).");
        var concurrency = CommonOptions.Count("--concurrency", "Concurrent clients (default 32).");
        var seconds = CommonOptions.Count("--seconds", "Duration in seconds (default 5).");
        var models = new Option<string>("--models") { Description = "The repository that the service serves; the model is also run in this process.", HelpName = "FOLDER", DefaultValueFactory = _ => "models" };
        var threads = CommonOptions.Count("--threads", "Threads that compute in this process; use the service's number (default 1).");
        var kind = CommonOptions.Engine();
        var device = CommonOptions.Device();
        var command = new ExampledCommand(
            "bench", "Measures a running service in a closed loop.", "flow bench --model two-moons --rows 64 --concurrency 8 --seconds 5")
        { url, model, operation, rows, concurrency, seconds, models, kind, device, threads };
        command.SetAction(parsed =>
        {
            Run(terminal, new(
                new Uri(parsed.GetRequiredValue(url)), parsed.GetRequiredValue(model), parsed.GetRequiredValue(operation), parsed.GetValue(rows) ?? 1,
                parsed.GetValue(concurrency) ?? 32, parsed.GetValue(seconds) ?? 5, parsed.GetRequiredValue(models),
                parsed.GetValue(kind), parsed.GetRequiredValue(device), parsed.GetValue(threads) ?? 1));
        });
        return command;
    }

    private static void Run(Terminal terminal, Request request)
    {
        using RowEngine engine = RowEngine.Open(ModelPath.Newest(request.Models, request.Model), ElementType.Float32, request.Device, request.Engine, request.Threads);
        if (engine.IsTorch)
            Libtorch.Threads = request.Threads;
        if (engine.Spec.Context is not null)
            throw new FlowException($"model '{request.Model}' takes a context; only unconditional models are measured");
        double[] rows = engine.Sample(RowSeed, 0, Math.Max(LeastRows, request.Rows), 1, []).Values;
        Func<long, byte[]> bodies = request.Operation == "sample"
            ? ServiceClient.SampleBodies(request.Model, request.Rows)
            : ServiceClient.LogProbBodies(request.Model, rows, engine.Spec.Width, request.Rows);
        using var handler = new SocketsHttpHandler { MaxConnectionsPerServer = request.Concurrency };
        using var http = new HttpClient(handler) { BaseAddress = request.Url };
        var client = new ServiceClient(http, bodies, request.Operation);

        // Tensors never meet await: the loop runs on the pool, this thread waits.
        (LoopResult loop, BatchMetrics batches) = MeasureAsync(http, client, request, terminal.Stop).GetAwaiter().GetResult();
        if (loop.SortedSeconds.Length == 0)
            throw new FlowException($"{request.Url}: no request was answered with 2xx ({loop.FirstError})");
        int batch = Math.Max(1, (int)Math.Round(batches.MeanRows ?? request.Rows));
        double local = InProcess.RowsPerSecond(engine, request.Operation, rows, batch, InProcessTime, terminal.Stop);
        Print(terminal, request, loop, batches, batch, local);
    }

    private static async Task<(LoopResult Loop, BatchMetrics Batches)> MeasureAsync(HttpClient http, ServiceClient client, Request request, CancellationToken stop)
    {
        try
        {
            for (int i = 0; i < request.Concurrency; i++)
                await client.AskAsync(i, stop);
            BatchMetrics before = await MetricsAsync();
            LoopResult loop = await ClosedLoop.RunAsync(client, request.Concurrency, TimeSpan.FromSeconds(request.Seconds), stop);
            return (loop, await MetricsAsync() - before);
        }
        catch (HttpRequestException e)
        {
            throw new FlowException($"{request.Url}: {e.Message}");
        }

        async Task<BatchMetrics> MetricsAsync()
        {
            using HttpResponseMessage answer = await http.GetAsync("metrics", stop);
            return answer.IsSuccessStatusCode ? BatchMetrics.Parse(await answer.Content.ReadAsStringAsync(stop), request.Model) : default;
        }
    }

    private static void Print(Terminal terminal, Request request, LoopResult loop, BatchMetrics batches, int batch, double local)
    {
        double served = loop.RequestsPerSecond * request.Rows;
        var table = new Table().Border(TableBorder.Simple).AddColumn($"{request.Operation} of {Markup.Escape(request.Model)}").AddColumn(new TableColumn("").RightAligned());
        void Row(string name, FormattableString value) => table.AddRow(name, value.ToString(CultureInfo.InvariantCulture));
        Row("clients x rows in a request", $"{request.Concurrency} x {request.Rows}");
        Row("requests/s", $"{loop.RequestsPerSecond:N0}");
        Row("rows/s served", $"{served:N0}");
        Row("p50", $"{loop.Percentile(0.50)?.TotalMilliseconds:F2} ms");
        Row("p95", $"{loop.Percentile(0.95)?.TotalMilliseconds:F2} ms");
        Row("p99", $"{loop.Percentile(0.99)?.TotalMilliseconds:F2} ms");
        Row("errors", $"{loop.Errors}");
        if (batches.MeanRows is { } mean)
            Row("mean rows in a batch", $"{mean:F1}");
        else
            Row("mean rows in a batch", $"not in /metrics, taken as {batch}");
        Row($"rows/s in process, batches of {batch}", $"{local:N0}");
        Row("served / in process", $"{served / local:F2}");
        terminal.Console().Write(table);
    }
}
