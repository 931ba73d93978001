using System.Globalization;
using FlowCore.Densities;
using FlowCore.Engines.Compiled;
using FlowCore.Engines.Compiled.Steps;

namespace FlowCore.Engines.Gpu;

/// <summary>The programs of a flow as the text of as many kernels, and the numbers they read.</summary>
internal sealed class GpuProgram
{
    /// <summary>What each of the kernels' names begins with.</summary>
    public const string Forward = "forward", Inverse = "inverse", Latents = "latents", Encoder = "encoder";

    private const int Gap = 4;

    private GpuProgram(KernelText text, CompiledFlow flow, int mostRows, Kernel[] kernels) =>
        (Text, NoiseWidth, MostRows, Kernels) = (text, flow.NoiseWidth, mostRows, kernels);

    /// <summary>The text of the kernels, and the numbers that they read.</summary>
    public KernelText Text { get; }

    /// <summary>The number of noise values behind one latent.</summary>
    public int NoiseWidth { get; }

    /// <summary>The most rows that a block takes at once.</summary>
    public int MostRows { get; }

    /// <summary>Data to latents, latents to data, noise to latents; where there is an embedding, contexts to what it makes of them.</summary>
    public Kernel[] Kernels { get; }

    /// <summary>One of the kernels.</summary>
    /// <param name="Name">Its name in the text.</param>
    /// <param name="Plan">The program that it runs.</param>
    /// <param name="TileBytes">The memory of one block's rows.</param>
    /// <param name="IsShared">Whether that is memory of the block's own; else it lies in the device's, a part for each block.</param>
    internal sealed record Kernel(string Name, FlowProgram Plan, long TileBytes, bool IsShared)
    {
        /// <summary>The multiply-adds of matrices for a row.</summary>
        public long Products { get; init; }

        /// <summary>The inputs that weights are read for, one after the other, where there is one row.</summary>
        public long Depth { get; init; }

        /// <summary>About so many instructions of a warp for a full tile.</summary>
        public long Instructions { get; init; }
    }

    /// <param name="flow">The flow's programs; they are laid out anew.</param>
    /// <param name="sharedBytes">The memory that a block of the device may have to itself.</param>
    /// <param name="text">Where the kernels are written to.</param>
    /// <param name="prefix">What their names begin with, where several flows share a text.</param>
    /// <exception cref="NotCompiledException">A step has no form for GPUs.</exception>
    public static GpuProgram Of(CompiledFlow flow, int sharedBytes, KernelText text, string prefix = "")
    {
        bool isSingle = text.IsSingle;
        (string Name, FlowProgram Plan)[] plans = [(Forward, flow.Forward), (Inverse, flow.Inverse), (Latents, flow.Latents)];
        if (flow.Encoder is { } encoder)
            plans = [.. plans, (Encoder, encoder)];
        int size = isSingle ? sizeof(float) : sizeof(double), lanes = isSingle ? 32 : 16;
        long[] places = [.. plans.Select(plan => plan.Plan.LayOut() + lanes)];
        long Bytes(long rowPlaces, int rows) => rowPlaces * (rows + Gap) * size;
        // The largest tile that all find room for; if none does, tiles lie in the device's memory.
        int mostRows = ((int[])[32, 16, 8]).FirstOrDefault(rows => Bytes(places.Max(), rows) <= sharedBytes);
        bool isShared = mostRows > 0;
        mostRows = isShared ? mostRows : 32;
        text.MostRows = mostRows;
        text.Use(Arguments);
        text.Use(Words.NormalQuantile);
        text.Use(Noise.Text);
        var kernels = new Kernel[plans.Length];
        for (int i = 0; i < plans.Length; i++)
        {
            var (name, plan) = plans[i];
            kernels[i] = new Kernel(prefix + name, plan, Bytes(places[i], mostRows), isShared);
            Write(text, kernels[i], places[i] - lanes, plan, flow.Latents, sharedBytes);
            kernels[i] = kernels[i] with { Products = text.Products, Instructions = text.Instructions, Depth = text.Depth };
        }
        return new GpuProgram(text, flow, mostRows, kernels);
    }

    private static void Write(KernelText text, Kernel kernel, long lanes, FlowProgram plan, FlowProgram latents, int sharedBytes)
    {
        string memory = kernel.IsShared ? "(N *)shared_memory" : $"(N *)a.memory + BLOCK * {kernel.TileBytes / (text.IsSingle ? 4 : 8)}";
        string head = string.Create(CultureInfo.InvariantCulture, $$"""

            KERNEL({{BlocksTogether(kernel, sharedBytes)}}) {{kernel.Name}}(const Arguments a)
            {
                {{(kernel.IsShared ? "SHARED;" : "")}}
                typedef Tile<N, {{text.MostRows}}> TILE;
                for (long long first = BLOCK * TILE::MOST; first < a.rows; first += BLOCKS * TILE::MOST)
                {
                    TILE tile{{{memory}}, {{lanes}}, 0, 0};
                    open(tile, a.rows - first);

            """);
        text.Kernel(head, $"    }}\n}}\nONE_BLOCK({kernel.Name})\n", () =>
        {
            if (plan == latents)
                text.Line($"if (a.draws) draw(tile, a.draws, first, {plan.Input.Offset}, {plan.Input.Width});\n        else");
            text.Line($"take(tile, a.input, first, {plan.Input.Offset}, {plan.Input.Width});");
            if (plan.Context.Width > 0)
                text.Line($"take(tile, a.context, first, {plan.Context.Offset}, {plan.Context.Width});");
            if (plan.Temperature is { } temperature)
                text.Line($"take(tile, a.temperature, first, {temperature.Offset}, 1);");
            foreach (Operation operation in plan.Operations)
                operation.Emit(text);
            text.Line($"give(tile, a, first, {plan.Output.Offset}, {plan.Output.Width}, {plan.LogDet.Offset}, {plan.LogDensity.Offset});");
        });
    }

    // The blocks that shall find room on a multiprocessor at the same time: as many as its shared memory holds, and registers do at 128 a
    // thread; a KB of each is the driver's. Without that the compiler may keep so much between steps that fewer fit.
    private static long BlocksTogether(Kernel kernel, int sharedBytes) => kernel.IsShared ? Math.Clamp(sharedBytes / (kernel.TileBytes + 1024), 1, 4) : 2;

    // As Launch has them.
    private const string Arguments = """
        struct Arguments
        {
            const N *input, *context, *temperature;
            const unsigned long long *draws; // in the place of noise: of each row a seed, and a row of its noise
            N *output, *log_det, *log_density;
            const N *numbers;
            const double *exact;
            const int *tables;
            unsigned char *memory;
            long long rows;
            int sign;
        };

        template<class TILE> WORD void open(TILE &tile, long long left)
        {
            tile.rows = left < TILE::MOST ? (int)left : TILE::MOST;
            while (1 << tile.shift < tile.rows)
                tile.shift++;
        }
        template<class TILE> WORD void take(TILE tile, const N *from, long long first, int place, int width)
        {
            PHASE for (int i = thread; i < tile.rows * width; i += THREADS)
                tile.at(place + i % width, i / width) = from[first * width + i];
        }
        template<class TILE> WORD void give(TILE tile, const Arguments &a, long long first, int place, int width, int log_det, int log_density)
        {
            PHASE
            {
                for (int i = thread; a.output && i < tile.rows * width; i += THREADS)
                    a.output[first * width + i] = tile.at(place + i % width, i / width);
                EACH_ROW
                {
                    double determinant = tile.sum(log_det, row);
                    a.log_det[first + row] = (N)determinant;
                    a.log_density[first + row] = (N)(tile.sum(log_density, row) + a.sign * determinant);
                }
            }
        }
        """;
}
