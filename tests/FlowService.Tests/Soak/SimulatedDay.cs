using System.Diagnostics.Metrics;
using FlowCore.Engines;
using FlowRows.Buffers;
using FlowService.Batching;
using FlowService.Models;
using FlowService.Telemetry;
using FlowService.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace FlowService.Tests.Soak;

/// <summary>
/// The real queue, batches and work items under a clock and clients that are made up, one event after the other on one thread: whatever happens follows from the seed, and can be made to happen
/// again. Clients come in calm hours and in rushes, ask for little and for much, are patient or not, and leave; batches take what their rows cost. Every answer is compared with the right one.
/// </summary>
internal sealed class SimulatedDay : IDisposable
{
    private const int BatchRows = 32, QueueRows = 512, MostRowsAsked = 200;
    private const double SecondsOfBatch = 0.01, SecondsOfRow = 0.002;

    private readonly ulong seed;
    private readonly Random random;
    private readonly Clock clock = new();
    private readonly ServiceProvider services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly RowPool pool = new();
    private readonly ServedModel model;
    private readonly PriorityQueue<Action, (double At, long Order)> events = new();
    private readonly List<Client> open = [];
    private long order;
    private int idle;
    private double longestInteractive;

    public SimulatedDay(ulong seed, int engines)
    {
        (this.seed, random, idle) = (seed, new Random((int)seed), engines);
        var metrics = new FlowMetrics(services.GetRequiredService<IMeterFactory>(), new ModelRegistry());
        model = new ServedModel("simulated", 1, [.. Enumerable.Range(0, engines).Select(_ => new ArithmeticEngine(1))], new BatchingOptions { BatchRows = BatchRows, QueueRows = QueueRows },
            new SelfTestFigures(0, 0, 0, 0, 0, 0), metrics, clock, NullLogger.Instance); // not started: this thread is all its threads
    }

    public int Answered { get; private set; }

    public int Refused { get; private set; }

    public int GivenUp { get; private set; }

    public int Batches { get; private set; }

    /// <summary>Lives through some time, and then until the last client has an answer.</summary>
    /// <exception cref="SimulationException">Something went wrong: the message has the seed and the time of day.</exception>
    public void Live(TimeSpan day)
    {
        At(0, () => Arrive(day.TotalSeconds));
        while (events.TryDequeue(out Action? happens, out (double At, long) when))
        {
            clock.Seconds = when.At;
            happens();
            Gather();
            Check(model.Queue.Rows >= 0 && model.Queue.Rows <= QueueRows, $"{model.Queue.Rows} rows wait, and {QueueRows} may");
        }
        Check(open.Count == 0, $"{open.Count} clients were never answered");
        Check(model.Queue.Rows == 0, $"{model.Queue.Rows} places are lost");
        // No interactive request waits for more than the batches that are being computed, and its share of the interactive ones before it.
        double worst = (QueueRows / BatchRows + 2) * 2 * (SecondsOfBatch + SecondsOfRow * BatchRows);
        Check(longestInteractive <= worst, $"an interactive request waited for {longestInteractive:F3} s, and {worst:F3} are the worst");
    }

    public void Dispose()
    {
        model.Queue.Close();
        Array.ForEach(model.Engines, engine => engine.Dispose());
        services.Dispose();
    }

    // Calm for most of the time; a quarter of it is a rush that no two engines can serve.
    private void Arrive(double end)
    {
        double now = clock.Seconds;
        if (now > end)
            return;
        Ask();
        double perSecond = (long)(now / 300) % 4 == 3 ? 60 : 4;
        At(now - Math.Log(1 - random.NextDouble()) / perSecond, () => Arrive(end));
    }

    private void Ask()
    {
        int rows = random.Next(10) == 0 ? random.Next(1, MostRowsAsked) : random.Next(1, 5);
        var operation = random.Next(3) switch { 0 => Operation.Decode, 1 => Operation.Encode, _ => Operation.LogProb };
        if (!model.Queue.TryAdmit(rows))
        {
            Refused++;
            int seconds = model.Queue.RetryAfter(rows);
            Check(seconds is >= 1 and <= 90, $"a refused client is told to come back in {seconds} s");
            return;
        }
        RowBuffer<float> values = pool.Rent<float>(rows);
        float first = random.Next(1 << 16);
        for (int i = 0; i < rows; i++)
            values.Span[i] = first + i;
        var item = new WorkItem(model, operation, new WorkRows { Count = rows, Values = values }, pool) { Priority = random.Next(4) == 0 ? Priority.Bulk : Priority.Interactive };
        item.Queued = clock.GetTimestamp();
        var client = new Client(item, values, first, clock.Seconds);
        Check(model.Queue.TryEnqueue(item), "an open queue takes nothing");
        open.Add(client);
        if (random.Next(5) == 0)
            At(clock.Seconds + random.NextDouble() * 2, () => Leave(client));
    }

    private void Leave(Client client)
    {
        if (!client.Item.Completion.IsCompleted)
            model.Queue.Stop(client.Item, new OperationCanceledException("the client has left"));
        Settle();
    }

    // An engine that is free takes what waits; a queue that nothing waits in would let this thread sleep.
    private void Gather()
    {
        while (idle > 0 && model.Queue.Rows > 0 && open.Exists(client => client.Item is { IsStopped: false, Remaining: > 0 }))
        {
            var batch = new Batch(new BatchBuffers(1, 1, 0));
            FlowEngine<float> engine = model.Queue.Gather(ref batch)!;
            idle--;
            Batches++;
            Check(batch.Rows is > 0 and <= BatchRows, $"a batch has {batch.Rows} rows");
            foreach (Slice slice in batch.Slices)
            {
                Check(slice.Item.Direction == batch.Line!.Direction, "a batch has rows of both directions");
                Check(!slice.Item.IsStopped, "a batch computes for somebody who has left");
                if (slice.First == 0 && slice.Item is { Priority: Priority.Interactive, Input.Count: <= BatchRows })
                    longestInteractive = Math.Max(longestInteractive, clock.GetElapsedTime(slice.Item.Queued).TotalSeconds);
            }
            double took = SecondsOfBatch + SecondsOfRow * batch.Rows;
            At(clock.Seconds + took, () => Computed(engine, batch, took));
        }
    }

    private void Computed(FlowEngine<float> engine, Batch batch, double took)
    {
        batch.Seal();
        batch.Compute(engine, 0, batch.Rows);
        batch.Steps = new(TimeSpan.Zero, TimeSpan.FromSeconds(took), TimeSpan.Zero);
        Check(model.Queue.Return(engine, ref batch, TimeSpan.FromSeconds(took)) is null, "a batch is exchanged where no other thread gathers");
        idle++;
        batch.HandOut();
        model.Queue.End(batch);
        Settle();
    }

    private void Settle()
    {
        for (int i = open.Count - 1; i >= 0; i--)
            if (open[i].Item.Completion.IsCompleted)
            {
                using Client client = open[i];
                open.RemoveAt(i);
                if (client.Item.Completion.IsCompletedSuccessfully)
                    CheckAnswer(client);
                else
                    GivenUp++;
            }
    }

    private void CheckAnswer(Client client)
    {
        Answered++;
        Span<float> values = client.Item.Results.Values.Span;
        for (int i = 0; i < values.Length; i++)
            Check(values[i] == ArithmeticEngine.Map(client.First + i, 0) && client.Item.Results.LogDet.Span[i] == client.First + i, $"row {i} of a request that came at {client.Came:F3} s has another's answer");
    }

    private void At(double seconds, Action happens) => events.Enqueue(happens, (seconds, order++));

    private void Check(bool holds, string otherwise)
    {
        if (!holds)
            throw new SimulationException($"seed {seed}, {TimeSpan.FromSeconds(clock.Seconds):hh\\:mm\\:ss\\.fff}: {otherwise}");
    }

    private sealed record Client(WorkItem Item, RowBuffer<float> Values, float First, double Came) : IDisposable
    {
        public void Dispose()
        {
            Item.Dispose();
            Values.Dispose();
        }
    }

    private sealed class Clock : TimeProvider
    {
        public double Seconds { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => (long)(Seconds * TimeSpan.TicksPerSecond);
    }
}

/// <summary>What a simulated day found.</summary>
internal sealed class SimulationException(string message) : Exception(message);
