using FlowCore.Engines.Gpu;

namespace FlowCore.Engines.Compiled.Steps;

/// <summary>
/// A warp takes a panel of 32 columns for some of the tile's rows: a thread keeps the sums of up to 8 rows and 4 columns in registers,
/// reads its rows' inputs from shared memory (where rows are neighbours, and the warp's threads share what they read), and its columns'
/// weights from the second-level cache, a line of 128 bytes for the whole warp. A sum is taken over the inputs in their one order.
/// </summary>
internal sealed partial class LinearOperation
{
    public override void Emit(KernelText text)
    {
        System.Diagnostics.Debug.Assert(Input != Output, "No thread writes where another one reads.");
        text.Use(Settled);
        text.Use(text.AllowsTf32 ? TensorKernel : Kernel);
        PackedPanels panels = text.Panels(Weights);
        int pixels = InputPixels.Length, each = RowsOfThread(panels.Count * pixels, text.MostRows);
        // An input: the multiply-adds of a thread's rows and columns, and three instructions for what they read.
        text.CountDepth(panels.Depth * ((panels.Count * pixels + Words.Threads / 32 - 1) / (Words.Threads / 32)));
        if (text.AllowsTf32)
            text.Count(panels.Products * pixels, panels.Products / PackedPanels.Columns * pixels * ((text.MostRows + 15) / 16) * TensorInstructions / 8);
        else
            text.Count(panels.Products * pixels, panels.Products / PackedPanels.Columns * pixels * (text.MostRows / (4 * each)) * (4 * each + 3));
        string Pixels(Region region, int[] places) => pixels == 1
            ? FormattableString.Invariant($"{region.Offset + places[0]}, nullptr")
            : FormattableString.Invariant($"{region.Offset}, a.tables + {text.Table(places)}");
        string linear = text.AllowsTf32 ? "linear_on_tensor_cores" : FormattableString.Invariant($"linear<{each}>");
        text.Line($"{linear}(tile, a.numbers, a.tables, {panels.Table}, {panels.Count}, {pixels}, {Pixels(Input, InputPixels)}, {Pixels(Output, OutputPixels)},");
        text.Line($"    {(Residual is null ? "-1, nullptr" : Pixels(Residual, ResidualPixels!))}, {text.Literal(Slope)}, {text.Literal(Rectify ? 0 : double.NegativeInfinity)});");
    }

    // As many as keep the warps of a block at work: few panels are cut into shorter groups of rows.
    private static int RowsOfThread(int panels, int rows)
    {
        const int Warps = Words.Threads / 32, Overhead = 3;
        int best = 1;
        long least = long.MaxValue;
        for (int each = 1; each <= Math.Min(8, rows / 4); each *= 2)
        {
            long units = (long)panels * rows / (4 * each), cost = (units + Warps - 1) / Warps * (4 * each + Overhead);
            if (cost <= least)
                (best, least) = (each, cost);
        }
        return best;
    }

    // What becomes of a sum.
    private const string Settled = """
        template<class TILE> WORD void settle(TILE tile, N value, int to, int more, int row, N slope, N floor)
        {
            if (more >= 0)
                value = value + tile.at(more, row);
            N bent = value * slope;
            bent = bent > value ? bent : value;
            tile.at(to, row) = floor > bent ? floor : bent;
        }
        """;

    private const string Kernel = """
        template<int ROWS_OF_THREAD, class TILE>
        HOT void linear_units(
            TILE tile, const N *__restrict__ numbers, const int *__restrict__ tables, int table, int panels, int pixels,
            int input, const int *in, int output, const int *out, int residual, const int *added, N slope, N floor)
        {
            // A lone row waits for each line of weights: many are asked for at once.
            constexpr int GROUP = 4 * ROWS_OF_THREAD, AHEAD = ROWS_OF_THREAD == 1 ? 16 : 4;
            int groups = (tile.rows + GROUP - 1) / GROUP, units = groups * panels * pixels;
            PHASE
            {
                int column = thread % 8 * 4;
                for (int unit = thread / 32; unit < units; unit += THREADS / 32)
                {
                    int row = unit % groups * GROUP + thread % 32 / 8 * ROWS_OF_THREAD, pixel = unit / groups / panels;
                    const int *panel = tables + table + 7 * (unit / groups % panels);
                    int depth = panel[2];
                    const N *weights = numbers + panel[3] + column, *bias = numbers + panel[4] + column;
                    const int *places = panel[6] < 0 ? nullptr : tables + panel[6];
                    int from = input + (in ? in[pixel] : 0) + panel[5];
                    N sums[ROWS_OF_THREAD][4];
                    for (int r = 0; r < ROWS_OF_THREAD; r++)
                        for (int c = 0; c < 4; c++)
                            sums[r][c] = 0;
                    UNROLLED(AHEAD)
                    for (int k = 0; k < depth; k++)
                    {
                        auto values = *(const Neighbours<N, ROWS_OF_THREAD> *)&tile.at(from + (places ? places[k] : k), row);
                        auto line = *(const Neighbours<N, 4> *)(weights + 32 * k);
                        for (int r = 0; r < ROWS_OF_THREAD; r++)
                            for (int c = 0; c < 4; c++)
                                sums[r][c] = multiply_add(values.at[r], line.at[c], sums[r][c]);
                    }
                    int to = output + (out ? out[pixel] : 0) + panel[0] + column, more = residual + (added ? added[pixel] : 0) + panel[0] + column;
                    for (int c = 0; c < 4 && column + c < panel[1]; c++)
                        for (int r = 0; r < ROWS_OF_THREAD; r++)
                            settle(tile, sums[r][c] + bias[c], to + c, residual >= 0 ? more + c : -1, row + r, slope, floor);
                }
            }
        }
        // A few rows are spread over all threads.
        template<int ROWS_OF_THREAD, class TILE>
        WORD void linear(
            TILE tile, const N *numbers, const int *tables, int table, int panels, int pixels,
            int input, const int *in, int output, const int *out, int residual, const int *added, N slope, N floor)
        {
            if (tile.rows <= 4)
                linear_units<1>(tile, numbers, tables, table, panels, pixels, input, in, output, out, residual, added, slope, floor);
            else
                linear_units<ROWS_OF_THREAD>(tile, numbers, tables, table, panels, pixels, input, in, output, out, residual, added, slope, floor);
        }
        """;
}
