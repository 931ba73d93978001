using System.Numerics;
using System.Runtime.InteropServices;
using FlowCore.Checkpoints;
using FlowCore.Engines.Compiled.Kernels;
using FlowCore.Engines.Compiled.Steps;

namespace FlowCore.Engines.Compiled;

/// <summary>
/// Runs a flow on the CPU as a program of fused kernels over packed weights, without libtorch. Rows go through the whole program in
/// tiles that stay in a core's cache; a row's result is the same, bit for bit, whatever batch it rides in, wherever in it, and
/// whatever the number of threads. Nothing is allocated in steady state.
/// </summary>
public sealed unsafe class CompiledEngine<T> : FlowEngine<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const int MostMemoryValues = 1 << 27, MostEncodedValues = 1 << 23;

    private readonly CompiledFlow flow;
    private readonly Program<T> forward, inverse, latents;
    private readonly Program<T>? encoder;
    private readonly SharedContexts contexts = new();
    private readonly int classes;
    private readonly Workers workers;
    private readonly Action<int, int> compute;
    private readonly T[][] memories;

    // The contexts that were encoded last, and what the embedding made of them; empty without one.
    private T[] known = [], encoded = [];
    private int knownCount;

    // The batch that is being computed.
    private Program<T>? running;
    private Batch batch;

    /// <param name="checkpoint">The flow's description and its weights.</param>
    /// <param name="threads">The cores that a batch is spread over.</param>
    /// <exception cref="NotCompiledException">A kind of the flow is not compiled: <see cref="TorchEngine{T}"/> runs it.</exception>
    /// <exception cref="FlowException">The description contradicts itself, or the weights do not belong to it.</exception>
    public CompiledEngine(Checkpoint checkpoint, int threads = 1) : this(checkpoint.Spec, CompiledFlow.Of(checkpoint), threads)
    {
    }

    private CompiledEngine(FlowSpec spec, CompiledFlow flow, int threads) : base(spec)
    {
        this.flow = flow;
        var packed = new Dictionary<LinearWeights, PackedLinear<T>>();
        (forward, inverse, latents) = (flow.Forward.Lower(packed), flow.Inverse.Lower(packed), flow.Latents.Lower(packed));
        encoder = flow.Encoder?.Lower(packed);
        classes = spec.Context?.Classes ?? 0;
        long size = new[] { forward, inverse, latents, encoder }.OfType<Program<T>>().Max(program => program.MemoryValues);
        if (size > MostMemoryValues)
            throw new NotCompiledException($"a row needs {size} values of memory at a time, the compiled engine has at most {MostMemoryValues}");
        // Room for a vector past the end, and for the alignment.
        memories = [.. Enumerable.Range(0, threads).Select(_ => GC.AllocateArray<T>((int)size + 128, pinned: true))];
        (workers, compute) = (new Workers(threads), Compute);
    }

    public override string Name => "compiled";

    public override string Device => "cpu";

    public override bool SameBitsInAnyBatch => true;

    // Two tiles on every core.
    public override int LargestNewBatch => 2 * memories.Length * Math.Max(forward.TileRows, inverse.TileRows);

    public override int NoiseWidth => flow.NoiseWidth;

    /// <summary>The same programs in another number type, on one core.</summary>
    public CompiledEngine<TOther> As<TOther>()
        where TOther : unmanaged, IBinaryFloatingPointIeee754<TOther> => new(Spec, flow, 1);

    public override void Forward(ReadOnlySpan<T> x, ReadOnlySpan<T> context, Span<T> z, Span<T> logDet, Span<T> logProb)
    {
        int rows = Rows(x, context, z.Length, logDet.Length, logProb.Length);
        Run(forward, rows, 1, x, context, [], z, logDet, logProb);
    }

    public override void Inverse(ReadOnlySpan<T> z, ReadOnlySpan<T> context, Span<T> x, Span<T> logDet, Span<T> logProb)
    {
        int rows = Rows(z, context, x.Length, logDet.Length, logProb.Length);
        Run(inverse, rows, -1, z, context, [], x, logDet, logProb);
    }

    public override void Latents(
        ReadOnlySpan<T> noise, ReadOnlySpan<T> context, ReadOnlySpan<T> temperature, Span<T> z, Span<T> logBase)
    {
        int rows = Rows(z, context, z.Length, temperature.Length, logBase.Length);
        if (noise.Length != rows * NoiseWidth)
            throw new RowException($"{rows} latents need {rows * NoiseWidth} noise values ({NoiseWidth} a row), got {noise.Length}");
        Run(latents, rows, 0, noise, context, temperature, z, logBase, logBase);
    }

    private void Run(
        Program<T> program, int rows, int sign, ReadOnlySpan<T> input, ReadOnlySpan<T> context, ReadOnlySpan<T> temperature, Span<T> output, Span<T> logDet, Span<T> logDensity)
    {
        ClassContext.Check(context, classes, Spec.Name);
        if (rows == 0)
            return;
        int inputWidth = program.Plan.Input.Width, outputWidth = output.IsEmpty ? 0 : Width;
        fixed (T* inputs = input, given = context, temperatures = temperature, outputs = output, logDets = logDet, logDensities = logDensity)
        {
            for (int first = 0, count = rows; first < rows; first += count)
            {
                if (encoder is not null)
                    count = Encode(context[(first * ContextWidth)..], given + (long)first * ContextWidth);
                fixed (T* features = encoded)
                    Run(program, new Batch(
                        count, sign, 0, inputs + (long)first * inputWidth, encoder is null ? given : features, temperatures + first,
                        outputs + (long)first * outputWidth, logDets + first, logDensities + first));
            }
        }
    }

    /// <summary>
    /// Encodes the contexts of rows from the beginning, each that rows share once, and none where they are those of the last batch, as in
    /// the many batches of a large request; returns how many rows those are.
    /// </summary>
    private int Encode(ReadOnlySpan<T> context, T* given)
    {
        int width = encoder!.Plan.Output.Width, count = contexts.Find(context, ContextWidth, Math.Max(1, MostEncodedValues / width));
        if (AreKnown(context))
            return count;
        if (encoded.Length < contexts.Count * width)
            (known, encoded) = (GC.AllocateUninitializedArray<T>(contexts.Count * ContextWidth), GC.AllocateUninitializedArray<T>(contexts.Count * width));
        knownCount = 0; // until all are encoded
        for (int i = 0; i < contexts.Count; i++)
            context.Slice(contexts.FirstRows[i] * ContextWidth, ContextWidth).CopyTo(known.AsSpan(i * ContextWidth));
        fixed (T* features = encoded)
            Run(encoder, new Batch(contexts.Count, 0, 0, given, null, null, features, null, null));
        knownCount = contexts.Count;
        return count;
    }

    private bool AreKnown(ReadOnlySpan<T> context)
    {
        bool equal = contexts.Count == knownCount;
        for (int i = 0; equal && i < knownCount; i++)
            equal = SharedContexts.AreEqual<T>(context.Slice(contexts.FirstRows[i] * ContextWidth, ContextWidth), known.AsSpan(i * ContextWidth, ContextWidth));
        return equal;
    }

    private void Run(Program<T> program, Batch work)
    {
        running = program;
        // Short batches are cut so that every core has a part; how they are cut changes no bit.
        int share = Math.Max(12, (work.Rows + memories.Length - 1) / memories.Length);
        batch = work with { TileRows = Math.Min(program.TileRows, share) };
        workers.Run((batch.Rows + batch.TileRows - 1) / batch.TileRows, compute);
    }

    /// <summary>One tile of the batch, on any of the threads.</summary>
    private void Compute(int index, int thread)
    {
        FlowProgram plan = running!.Plan;
        int first = index * batch.TileRows, rows = Math.Min(batch.TileRows, batch.Rows - first);
        T* memory = Pinned.Aligned(memories[thread]);
        var tile = new Tile<T>(memory, rows, running.MemoryValues);
        if (running == encoder)
        {
            Take(batch.Input, plan.Input, contexts.FirstRows.Slice(first, rows), tile);
            running.Run(tile);
            Return(tile, plan.Output, batch.Output, first, rows);
            return;
        }
        Copy(batch.Input, plan.Input, first, rows, tile);
        if (encoder is null)
            Copy(batch.Context, plan.Context, first, rows, tile);
        else
            Take(batch.Context, plan.Context, contexts.OfRows.Slice(first, rows), tile);
        if (plan.Temperature is { } temperature)
            Copy(batch.Temperature, temperature, first, rows, tile);
        running.Run(tile);
        if (batch.HasOutput)
            Return(tile, plan.Output, batch.Output, first, rows);
        T* logDet = (T*)batch.LogDet + first, logDensity = (T*)batch.LogDensity + first;
        double* logDets = tile.Sums(plan.LogDet), logDensities = tile.Sums(plan.LogDensity);
        for (int row = 0; row < rows; row++)
        {
            logDet[row] = T.CreateTruncating(logDets[row]);
            logDensity[row] = T.CreateTruncating(logDensities[row] + batch.Sign * logDets[row]);
        }
    }

    private static void Copy(T* from, Region region, int first, int rows, in Tile<T> tile) =>
        new ReadOnlySpan<T>(from + (long)first * region.Width, rows * region.Width).CopyTo(new Span<T>(tile.At(region), rows * region.Width));

    private static void Take(T* from, Region region, ReadOnlySpan<int> indices, in Tile<T> tile)
    {
        for (int row = 0; row < indices.Length; row++)
            new ReadOnlySpan<T>(from + (long)indices[row] * region.Width, region.Width).CopyTo(new Span<T>(tile.At(region) + row * region.Width, region.Width));
    }

    private static void Return(in Tile<T> tile, Region region, T* to, int first, int rows) =>
        new ReadOnlySpan<T>(tile.At(region), rows * region.Width).CopyTo(new Span<T>(to + (long)first * region.Width, rows * region.Width));

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            workers.Dispose();
        base.Dispose(disposing);
    }

    private readonly record struct Batch(
        int Rows, int Sign, int TileRows, Pointer Input, Pointer Context, Pointer Temperature, Pointer Output, Pointer LogDet, Pointer LogDensity)
    {
        public bool HasOutput => (T*)Output != null;
    }

    /// <summary>A pointer as a value that a record may hold.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Pointer(T* value)
    {
        public static implicit operator T*(Pointer pointer) => pointer.Value;

        public static implicit operator Pointer(T* value) => new(value);

        private T* Value { get; } = value;
    }
}
