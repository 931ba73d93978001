using CsCheck;
using FlowCore;
using FlowCore.Densities;
using FlowService.Batching;
using FlowService.Models;
using FlowService.Tests.Support;

namespace FlowService.Tests.Batching;

/// <summary>Whatever is asked in whatever order, in batches of whatever size: each caller gets exactly its own rows.</summary>
public sealed class InterleavingTests
{
    private sealed record Asked(Operation Operation, int Rows, int Model, Priority Priority, bool Leaves);

    private static readonly Gen<Asked> OneRequest =
        from operation in Gen.Enum<Operation>()
        from rows in Gen.OneOf(Gen.Int[1, 3], Gen.Int[1, 40])
        from model in Gen.Int[0, 2]
        from priority in Gen.Enum<Priority>()
        from leaves in Gen.Int[0, 9]
        select new Asked(operation, rows, model, priority, leaves == 0);

    private static readonly Gen<(int BatchRows, int Instances, bool DrawsNoise, Asked[] Requests)> Interleavings =
        Gen.Select(Gen.Int[1, 20], Gen.Int[1, 3], Gen.Bool, OneRequest.Array[1, 40]);

    [Fact]
    public async Task Each_caller_gets_exactly_its_own_rows() =>
        await Interleavings.SampleAsync(async interleaving => await RunAsync(interleaving.BatchRows, interleaving.Instances, interleaving.DrawsNoise, interleaving.Requests), iter: 200, threads: 1);

    private static async Task RunAsync(int batchRows, int instances, bool drawsNoise, Asked[] requests)
    {
        await using var bench = new Bench(batchRows, queueRows: 100_000, instances);
        bench.Hook.DrawsNoise = drawsNoise;
        ServedModel[] models =
        [
            bench.Model,
            bench.Serve("pairs", [.. Enumerable.Range(0, instances).Select(_ => new ArithmeticEngine(2))]),
            bench.Serve("conditional", new ArithmeticEngine(3, new ContextSpec { Size = 2 })),
        ];
        await Task.WhenAll(requests.Select((asked, i) => CheckAsync(bench, models[asked.Model], asked, i * 1000)));
        Assert.All(models, model => Assert.Equal(0, model.Queue.Rows));
        Assert.Equal(0, bench.Pool.Outstanding);
    }

    private static async Task CheckAsync(Bench bench, ServedModel model, Asked asked, int first)
    {
        await Task.Yield();
        float[]? context = model.Engine.ContextWidth == 0 ? null : [.. Enumerable.Range(0, 2 * asked.Rows).Select(i => first + i / 2f)];
        if (asked.Leaves)
        {
            using var leave = new CancellationTokenSource();
            Task<float[]> going = bench.AskAsync(asked.Operation, asked.Rows, first, model, context, asked.Priority, gone: leave.Token);
            await leave.CancelAsync();
            await going.ContinueWith(_ => { }, TaskScheduler.Default); // it may have been served first
            return;
        }
        float[] answer = await bench.AskAsync(asked.Operation, asked.Rows, first, model, context, priority: asked.Priority);
        Assert.Equal(Expected(model.Width, asked, first, context), answer);
    }

    private static float[] Expected(int width, Asked asked, int first, float[]? context)
    {
        var input = new float[asked.Rows * width];
        for (int i = 0; i < input.Length; i++)
            input[i] = first + i;
        if (asked.Operation == Operation.Sample)
            Noise.FillNormal((ulong)first, 0, width, input.AsSpan());
        return [.. input.Select((value, i) => ArithmeticEngine.Map(value, context is null ? 0 : context[i / width * 2] + context[i / width * 2 + 1]))];
    }
}
