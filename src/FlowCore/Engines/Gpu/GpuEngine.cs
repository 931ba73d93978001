using System.Numerics;
using System.Runtime.InteropServices;
using FlowCore.Checkpoints;
using FlowCore.Densities;
using FlowCore.Engines.Compiled;
using FlowCore.Engines.Gpu.Cuda;

namespace FlowCore.Engines.Gpu;

/// <summary>
/// Runs a flow on an NVIDIA GPU, one kernel a batch, without libtorch: the program that the compiled engine runs on a CPU, and its bits. A
/// batch goes through in parts that two streams take in turn, so that the rows of one are copied while those of the other are computed.
/// Everything is taken from the device when the engine is made, and given back with it.
/// </summary>
public sealed unsafe class GpuEngine<T> : FlowEngine<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    // A part: enough rows to fill a large device several times, and little enough to be copied while the other part is computed.
    private const int MostPartRows = 1 << 15, MostPartBytes = 1 << 24, BlocksOfMultiprocessor = 8, BlocksWithoutShared = 2, AlwaysShared = 48 << 10;

    // What a draw takes in the place of noise.
    private static readonly int DrawWidth = sizeof(NoiseRow) / sizeof(T);

    private readonly GpuDevice device;
    private readonly GpuProgram program;
    private readonly GpuProgram.Kernel? encoder;
    private readonly nint[] functions;
    private readonly int classes;
    private readonly Part[] parts = new Part[2];
    private readonly ulong numbers, exact, tables;

    /// <param name="checkpoint">The flow and its weights.</param>
    /// <param name="options">Where NVIDIA's libraries are.</param>
    /// <param name="ordinal">The device's number.</param>
    /// <exception cref="NotCompiledException">A kind of the flow has no form for GPUs: <see cref="TorchEngine{T}"/> runs it.</exception>
    /// <exception cref="FlowException">There is no driver, no compiler or no such device; or the description contradicts itself.</exception>
    /// <exception cref="InsufficientMemoryException">The device has no memory left.</exception>
    public GpuEngine(Checkpoint checkpoint, GpuOptions options, int ordinal = 0)
        : this(checkpoint.Spec, options, ordinal, device => GpuProgram.Of(
            CompiledFlow.Of(checkpoint), device.SharedBytes, new KernelText(typeof(T) == typeof(float), options.AllowTf32 && device.HasTf32)))
    {
    }

    /// <param name="spec">The flow.</param>
    /// <param name="options">Where NVIDIA's libraries are.</param>
    /// <param name="ordinal">The device's number.</param>
    /// <param name="write">Its program for the device.</param>
    internal GpuEngine(FlowSpec spec, GpuOptions options, int ordinal, Func<GpuDevice, GpuProgram> write) : base(spec)
    {
        classes = spec.Context?.Classes ?? 0;
        device = new GpuDevice(options, ordinal);
        try
        {
            device.Enter();
            program = write(device);
            encoder = program.Kernels.ElementAtOrDefault(3);
            nint module = device.Load(KernelCache.Find(options, program.Text.Text, device.Architecture));
            functions = [.. program.Kernels.Select(kernel => device.Driver.Function(module, kernel.Name))];
            for (int i = 0; i < functions.Length; i++)
                if (program.Kernels[i] is { IsShared: true, TileBytes: > AlwaysShared and var bytes })
                    device.Driver.AllowShared(functions[i], (int)bytes);
            for (int i = 0; i < parts.Length; i++)
                parts[i].Stream = device.Stream();
            numbers = Upload(program.Text.Numbers<T>());
            exact = Upload<double>([.. program.Text.Exact]);
            tables = Upload<int>([.. program.Text.Tables]);
            PartRows = TakeParts();
        }
        catch
        {
            device.Dispose();
            throw;
        }
    }

    public override string Name => "gpu";

    public override string Device => device.Name;

    public override DeviceMemory? Memory() => device.Memory();

    public override bool SameBitsInAnyBatch => true;

    public override int NoiseWidth => program.NoiseWidth;

    // Both parts are used then.
    public override int LargestNewBatch => 2 * PartRows;

    /// <summary>The rows that are copied and computed at a time: halved until memory holds them.</summary>
    public int PartRows { get; }

    public override void Forward(ReadOnlySpan<T> x, ReadOnlySpan<T> context, Span<T> z, Span<T> logDet, Span<T> logProb) =>
        Run(0, Rows(x, context, z.Length, logDet.Length, logProb.Length), 1, x, context, [], z, logDet, logProb);

    public override void Inverse(ReadOnlySpan<T> z, ReadOnlySpan<T> context, Span<T> x, Span<T> logDet, Span<T> logProb) =>
        Run(1, Rows(z, context, x.Length, logDet.Length, logProb.Length), -1, z, context, [], x, logDet, logProb);

    public override void Latents(
        ReadOnlySpan<T> noise, ReadOnlySpan<T> context, ReadOnlySpan<T> temperature, Span<T> z, Span<T> logBase)
    {
        int rows = Rows(z, context, z.Length, temperature.Length, logBase.Length);
        if (noise.Length != rows * NoiseWidth)
            throw new RowException($"{rows} latents need {rows * NoiseWidth} noise values ({NoiseWidth} a row), got {noise.Length}");
        Run(2, rows, 0, noise, context, temperature, z, logBase, logBase);
    }

    public override bool DrawsNoise => true;

    public override void Sample(
        ReadOnlySpan<NoiseRow> rows, ReadOnlySpan<T> context, ReadOnlySpan<T> temperature, Span<T> z, Span<T> logBase, Span<T> x, Span<T> logDet, Span<T> logProb)
    {
        if (temperature.Length != rows.Length || logBase.Length != rows.Length || x.Length != rows.Length * Width || (z.Length != x.Length && !z.IsEmpty)
            || context.Length != rows.Length * ContextWidth || logDet.Length != rows.Length || logProb.Length != rows.Length)
            throw new RowException($"the spans do not fit {rows.Length} samples of {Width} values");
        Run(1, rows.Length, -1, MemoryMarshal.Cast<NoiseRow, T>(rows), context, temperature, x, logDet, logProb, z, logBase, draws: true);
    }

    private void Run(
        int direction, int rows, int sign, ReadOnlySpan<T> input, ReadOnlySpan<T> context, ReadOnlySpan<T> temperature, Span<T> output, Span<T> logDet, Span<T> logDensity,
        Span<T> drawn = default, Span<T> logBase = default, bool draws = false)
    {
        ClassContext.Check(context, classes, Spec.Name);
        device.Enter();
        GpuProgram.Kernel kernel = program.Kernels[direction];
        int inputWidth = draws ? DrawWidth : kernel.Plan.Input.Width, warm = draws || kernel.Plan.Temperature is not null ? 1 : 0, next = 0;
        var returned = new Columns(output.IsEmpty ? 0 : Width, draws ? 1 : 0, drawn.IsEmpty ? 0 : Width);
        try
        {
            for (int first = 0; first < rows; first += PartRows, next ^= 1)
            {
                ref Part part = ref parts[next];
                Collect(ref part, returned, output, logDet, logDensity, drawn, logBase);
                int count = Math.Min(PartRows, rows - first);
                var staged = new Span<T>(part.Sent, count * (inputWidth + ContextWidth + warm));
                input.Slice(first * inputWidth, count * inputWidth).CopyTo(staged);
                context.Slice(first * ContextWidth, count * ContextWidth).CopyTo(staged[(count * inputWidth)..]);
                temperature.Slice(first * warm, count * warm).CopyTo(staged[(count * (inputWidth + ContextWidth))..]);
                (part.First, part.Rows) = (first, count);
                Start(part, direction, sign, returned, inputWidth, staged.Length);
            }
            for (int i = 0; i < parts.Length; i++, next ^= 1)
                Collect(ref parts[next], returned, output, logDet, logDensity, drawn, logBase);
        }
        catch
        {
            // What is under way belongs to a batch that has failed.
            parts[0].Rows = parts[1].Rows = 0;
            throw;
        }
    }

    /// <summary>Rows to the device, the kernel, results back: nothing waits.</summary>
    private void Start(in Part part, int direction, int sign, Columns returned, int inputWidth, int sent)
    {
        GpuProgram.Kernel kernel = program.Kernels[direction];
        device.Driver.CopyToDevice(part.Received, part.Sent, (long)sent * sizeof(T), part.Stream);
        ulong size = (ulong)sizeof(T), rows = (ulong)part.Rows, context = part.Received + rows * (ulong)inputWidth * size;
        ulong logDet = part.Computed + rows * (ulong)returned.Values * size, logBase = logDet + 2 * rows * size, drawn = logBase + rows * size;
        var argument = new Arguments
        {
            Input = part.Received,
            Context = encoder is null ? context : part.Encoded,
            Temperature = context + rows * (ulong)ContextWidth * size,
            Output = returned.Values == 0 ? 0 : part.Computed,
            LogDet = logDet,
            LogDensity = logDet + rows * size,
            Numbers = numbers,
            Exact = exact,
            Tables = tables,
            Memory = part.Tiles,
            Rows = part.Rows,
            Sign = sign,
        };
        if (encoder is not null)
            Encode(part, argument with { Input = context, Output = part.Encoded });
        if (returned.LogBases > 0)
        {
            // The latents stay on the device, for the next kernel on the stream to read; what stands behind them is nobody's.
            Launch(program.Kernels[2], functions[2], part, argument with
            {
                Draws = part.Received,
                Output = drawn,
                LogDet = drawn + rows * (ulong)Width * size,
                LogDensity = logBase,
                Sign = 0,
            });
            argument.Input = drawn;
        }
        Launch(kernel, functions[direction], part, argument);
        device.Driver.CopyToHost(part.Returned, part.Computed, (long)part.Rows * returned.All * sizeof(T), part.Stream);
    }

    private void Launch(GpuProgram.Kernel kernel, nint function, in Part part, Arguments argument) => device.Driver.Launch(
        function, Blocks(kernel, part.Rows), Words.Threads, kernel.IsShared ? (int)kernel.TileBytes : 0, part.Stream, &argument);

    /// <summary>What the embedding makes of each row's context, for the kernel behind it on the stream to read; the sums stand behind it, and are nobody's.</summary>
    private void Encode(in Part part, Arguments argument)
    {
        argument.LogDet = argument.LogDensity = part.Encoded + (ulong)part.Rows * (ulong)encoder!.Plan.Output.Width * (ulong)sizeof(T);
        Launch(encoder, functions[^1], part, argument);
    }

    /// <summary>Waits for a part that is under way, and hands its results over.</summary>
    private void Collect(ref Part part, Columns returned, Span<T> output, Span<T> logDet, Span<T> logDensity, Span<T> drawn, Span<T> logBase)
    {
        if (part.Rows == 0)
            return;
        device.Driver.Synchronize(part.Stream);
        T* from = part.Returned;
        from = Take(from, output, part, returned.Values);
        from = Take(from, logDet, part, 1);
        from = Take(from, logDensity, part, 1);
        from = Take(from, logBase, part, returned.LogBases);
        Take(from, drawn, part, returned.Drawn);
        part.Rows = 0;
    }

    private static T* Take(T* from, Span<T> to, in Part part, int width)
    {
        new ReadOnlySpan<T>(from, part.Rows * width).CopyTo(to[(part.First * width)..]);
        return from + part.Rows * width;
    }

    // A block goes on with further tiles where there are more tiles than blocks that the device holds.
    private int Blocks(GpuProgram.Kernel kernel, int rows) => Math.Min(
        (rows + program.MostRows - 1) / program.MostRows, device.Multiprocessors * (kernel.IsShared ? BlocksOfMultiprocessor : BlocksWithoutShared));

    private ulong Upload<E>(E[] values)
        where E : unmanaged
    {
        ulong at = device.Allocate((long)values.Length * sizeof(E));
        fixed (E* from = values)
            device.Driver.CopyToDevice(at, from, (long)values.Length * sizeof(E), parts[0].Stream);
        device.Driver.Synchronize(parts[0].Stream);
        return at;
    }

    /// <summary>Room for two parts, of as many rows as memory holds.</summary>
    private int TakeParts()
    {
        int most = Math.Max(Math.Max(Width, DrawWidth), NoiseWidth) + ContextWidth + 2, computed = 2 * Width + 4;
        int encodedWidth = encoder is null ? 0 : encoder.Plan.Output.Width + 1;
        int rows = (int)Math.Clamp(MostPartBytes / ((long)(most + encodedWidth) * sizeof(T)), program.MostRows, MostPartRows);
        long tiles = program.Kernels.Max(kernel => kernel.IsShared ? 0 : kernel.TileBytes);
        while (true)
        {
            var before = device.Taken;
            try
            {
                foreach (ref Part part in parts.AsSpan())
                {
                    long bytes = (long)rows * most * sizeof(T), results = (long)rows * computed * sizeof(T);
                    part.Received = device.Allocate(bytes);
                    part.Computed = device.Allocate(results);
                    part.Encoded = encoder is null ? 0 : device.Allocate((long)rows * encodedWidth * sizeof(T));
                    part.Tiles = tiles == 0 ? 0 : device.Allocate(tiles * Math.Min((rows + program.MostRows - 1) / program.MostRows, device.Multiprocessors * BlocksWithoutShared));
                    part.Sent = (T*)device.AllocateHost(bytes);
                    part.Returned = (T*)device.AllocateHost(results);
                }
                return rows;
            }
            catch (InsufficientMemoryException) when (rows > program.MostRows)
            {
                device.GiveBack(before);
                rows /= 2;
            }
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            device.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>What one of the two streams works with.</summary>
    private struct Part
    {
        public nint Stream;

        // Page-locked memory of the host, and the device's beside it.
        public T* Sent, Returned;
        public ulong Received, Computed, Encoded, Tiles;

        // The rows under way; 0 where none are.
        public int First, Rows;
    }

    /// <summary>What comes back of each row, beside its two logarithms: values, a latent's density, a latent.</summary>
    private readonly record struct Columns(int Values, int LogBases, int Drawn)
    {
        public int All => Values + 2 + LogBases + Drawn;
    }

    /// <summary>The kernels' argument, as their text has it.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Arguments
    {
        public ulong Input, Context, Temperature, Draws, Output, LogDet, LogDensity, Numbers, Exact, Tables, Memory;
        public long Rows;
        public int Sign;
    }
}
