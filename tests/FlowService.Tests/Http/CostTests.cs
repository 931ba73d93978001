using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using FlowCore.Engines;
using FlowService.Batching;
using FlowService.OpenInference.Grpc.Protocol;
using FlowService.Tests.OpenInference;
using FlowService.Tests.Support;
using Grpc.Core;
using Grpc.Net.Client;
using static FlowService.OpenInference.Grpc.Protocol.ModelInferRequest.Types;

namespace FlowService.Tests.Http;

/// <summary>A model of which a row takes a known time at least: more rows than fit into the deadline are refused with the number that does.</summary>
public sealed partial class CostTests : IAsyncLifetime
{
    // Of a row, in milliseconds; of the deadline as the requests here name it.
    private const double RowCost = 0.5;
    private const int Deadline = 20, TooMany = 100;

    private static readonly string Rows = string.Join(',', Enumerable.Repeat("[0.5,1]", TooMany));

    private readonly TemporaryFolder repository = new();
    private ServiceHost host = null!;
    private HttpClient http = null!;

    public async ValueTask InitializeAsync()
    {
        TestModels.Write(repository.Path, TestModels.Identity("slow", 2));
        host = await ServiceHost.StartAsync(repository.Path, (checkpoint, device) => new SlowEngine(Engine.Open<float>(checkpoint)), ("Batching:BatchRows", "8"));
        http = host.Http();
    }

    public async ValueTask DisposeAsync()
    {
        http.Dispose();
        await host.DisposeAsync();
        repository.Dispose();
    }

    [Theory]
    [InlineData("/logprob", "x", HttpStatusCode.RequestEntityTooLarge)]
    [InlineData("/encode", "x", HttpStatusCode.RequestEntityTooLarge)]
    [InlineData("/decode", "z", HttpStatusCode.RequestEntityTooLarge)]
    [InlineData("/sample", "count", HttpStatusCode.UnprocessableEntity)]
    public async Task Rows_that_cannot_be_computed_in_time_are_refused_with_the_number_that_can(string path, string field, HttpStatusCode expected)
    {
        string rows = field == "count" ? $"{TooMany}" : $"[{Rows}]";
        JsonElement problem = await http.RefusedAsync(path, $$"""{"model":"slow","{{field}}":{{rows}},"timeout_ms":{{Deadline}}}""", expected);
        int most = Most(problem.Detail());

        Assert.InRange(most, 1, (int)(Deadline / RowCost));
        Assert.Contains("Batching:MaxDeadlineSeconds", problem.Detail(), StringComparison.Ordinal);
        await http.AskAsync(path, $$"""{"model":"slow","{{field}}":{{rows}},"timeout_ms":60000}""");
    }

    [Fact]
    public async Task The_same_holds_for_v2_and_grpc()
    {
        string message = await http.PostRawAsync("/v2/models/slow/infer",
            $$"""{"parameters":{"timeout":{{Deadline}}000},"inputs":[{"name":"x","datatype":"FP32","shape":[{{TooMany}},2],"data":[{{Rows}}]}]}""").ErrorAsync(HttpStatusCode.RequestEntityTooLarge);
        using GrpcChannel channel = GrpcChannel.ForAddress(host.GrpcAddress);
        var client = new GRPCInferenceService.GRPCInferenceServiceClient(channel);
        var request = new ModelInferRequest
        {
            ModelName = "slow",
            Inputs = { new InferInputTensor { Name = "x", Datatype = "FP32", Shape = { TooMany, 2 }, Contents = new() { Fp32Contents = { new float[2 * TooMany] } } } },
            Parameters = { ["timeout"] = new InferParameter { Int64Param = Deadline * 1000 } },
        };
        RpcException refused = await Assert.ThrowsAsync<RpcException>(async () => await client.ModelInferAsync(request));

        Assert.InRange(Most(message), 1, (int)(Deadline / RowCost));
        Assert.InRange(Most(refused.Status.Detail), 1, (int)(Deadline / RowCost));
        Assert.Contains(refused.StatusCode, new[] { StatusCode.InvalidArgument, StatusCode.ResourceExhausted });
    }

    [Fact]
    public void The_least_cost_counts_and_wider_rows_cost_more()
    {
        var cost = new RowCost(engines: 2);
        Assert.Equal((TimeSpan.Zero, long.MaxValue), (cost.Of(Direction.Forward, 1000), cost.RowsWithin(Direction.Forward, TimeSpan.FromSeconds(1))));
        cost.Seen(Direction.Forward, 1, TimeSpan.FromSeconds(1));
        cost.Seen(Direction.Forward, 10, TimeSpan.FromSeconds(2));
        cost.Seen(Direction.Forward, 1, TimeSpan.FromSeconds(3));

        Assert.Equal(TimeSpan.FromSeconds(10), cost.Of(Direction.Forward, 100)); // 0.2 s a row, two engines
        Assert.Equal(30, cost.RowsWithin(Direction.Forward, TimeSpan.FromSeconds(3)));
        Assert.Equal(1, cost.RowsWithin(Direction.Forward, TimeSpan.FromMilliseconds(1)));
        Assert.Equal(TimeSpan.FromSeconds(40), cost.Times(4).Of(Direction.Forward, 100));
        Assert.Equal(TimeSpan.Zero, cost.Of(Direction.Inverse, 100));
    }

    private static int Most(string detail) => int.Parse(AtMost().Match(detail).Groups[1].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"(?:send|draw) at most (\d+) at once")]
    private static partial Regex AtMost();

    /// <summary>Takes a while for each row.</summary>
    private sealed class SlowEngine(FlowEngine<float> inner) : FlowEngine<float>(inner.Spec)
    {
        public override string Name => inner.Name;

        public override string Device => inner.Device;

        public override int NoiseWidth => inner.NoiseWidth;

        public override void Forward(ReadOnlySpan<float> x, ReadOnlySpan<float> context, Span<float> z, Span<float> logDet, Span<float> logProb)
        {
            Spend(logProb.Length);
            inner.Forward(x, context, z, logDet, logProb);
        }

        public override void Inverse(ReadOnlySpan<float> z, ReadOnlySpan<float> context, Span<float> x, Span<float> logDet, Span<float> logProb)
        {
            Spend(logProb.Length);
            inner.Inverse(z, context, x, logDet, logProb);
        }

        public override void Latents(
            ReadOnlySpan<float> noise, ReadOnlySpan<float> context, ReadOnlySpan<float> temperature, Span<float> z, Span<float> logBase) =>
            inner.Latents(noise, context, temperature, z, logBase);

        protected override void Dispose(bool disposing)
        {
            inner.Dispose();
            base.Dispose(disposing);
        }

        private static void Spend(int rows)
        {
            long began = Stopwatch.GetTimestamp();
            while (Stopwatch.GetElapsedTime(began).TotalMilliseconds < RowCost * rows)
                Thread.SpinWait(20);
        }
    }
}
