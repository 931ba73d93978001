namespace FlowCore.Engines.Compiled.Steps;

/// <summary>
/// Where TF32 is allowed: a warp takes a panel of 32 columns for 16 rows on the tensor cores, inputs and weights rounded to 10 bits
/// behind the point, sums in float32. Batches of every size go this way, so that a row's bits still do not depend on its batch. On a
/// CPU a thread makes its own sums of the same rounded numbers, one product after the other: a tensor core adds eight at once, and
/// rounds its sums in a way of its own.
/// </summary>
internal sealed partial class LinearOperation
{
    // For 8 inputs of 16 rows and 32 columns: 4 products of matrices, 12 loads, each rounded, and the places of the inputs.
    private const int TensorInstructions = 4 + 2 * 12 + 4;

    private const string TensorKernel = """
        // To 10 bits behind the point, halves away from 0.
        #ifdef __CUDACC__
        WORD unsigned tf32(float x)
        {
            unsigned bits;
            asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
            return bits;
        }
        #else
        WORD float tf32(float x)
        {
            int bits = bits_of(x);
            return (bits & 0x7f800000) == 0x7f800000 ? x : number_of((bits + 0x1000) & ~0x1fff);
        }
        #endif
        // sums += 8 inputs of 16 rows times their weights for 32 columns, of which a thread of the warp has the sums of rows group and
        // group + 8, columns 2 place and 2 place + 1 of each eight: input(row, k), weight(k, column).
        template<class INPUTS, class WEIGHTS> WORD void tensor_products(float (&sums)[4][4], int group, int place, INPUTS input, WEIGHTS weight)
        {
        #ifdef __CUDACC__
            unsigned a0 = tf32(input(group, place)), a1 = tf32(input(group + 8, place)), a2 = tf32(input(group, place + 4)), a3 = tf32(input(group + 8, place + 4));
            UNROLLED(4)
            for (int c = 0; c < 4; c++)
            {
                unsigned b0 = tf32(weight(place, 8 * c + group)), b1 = tf32(weight(place + 4, 8 * c + group));
                asm volatile(
                    "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                    : "+f"(sums[c][0]), "+f"(sums[c][1]), "+f"(sums[c][2]), "+f"(sums[c][3]) : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
            }
        #else
            for (int i = 0; i < 16; i++)
                for (int k = 0; k < 8; k++)
                    sums[i / 4][i % 4] += tf32(input(group + i % 4 / 2 * 8, k)) * tf32(weight(k, i / 4 * 8 + 2 * place + i % 2));
        #endif
        }
        template<class TILE>
        HOT void linear_on_tensor_cores(
            TILE tile, const N *__restrict__ numbers, const int *__restrict__ tables, int table, int panels, int pixels,
            int input, const int *in, int output, const int *out, int residual, const int *added, N slope, N floor)
        {
            int groups = (tile.rows + 15) / 16, units = groups * panels * pixels;
            PHASE
            {
                int group = thread % 32 / 4, place = thread % 4;
                for (int unit = thread / 32; unit < units; unit += THREADS / 32)
                {
                    int first = unit % groups * 16, pixel = unit / groups / panels;
                    const int *panel = tables + table + 7 * (unit / groups % panels);
                    int depth = panel[2];
                    const N *weights = numbers + panel[3], *bias = numbers + panel[4];
                    const int *places = panel[6] < 0 ? nullptr : tables + panel[6];
                    int from = input + (in ? in[pixel] : 0) + panel[5];
                    N sums[4][4];
                    for (int i = 0; i < 16; i++)
                        sums[i / 4][i % 4] = 0;
                    for (int begin = 0; begin < depth; begin += 8)
                        tensor_products(sums, group, place,
                            [&](int row, int k) { k += begin; return k < depth && first + row < TILE::MOST ? tile.at(from + (places ? places[k] : k), first + row) : (N)0; },
                            [&](int k, int column) { k += begin; return k < depth ? weights[32 * k + column] : (N)0; });
                    int to = output + (out ? out[pixel] : 0) + panel[0], more = residual + (added ? added[pixel] : 0) + panel[0];
                    for (int i = 0; i < 16; i++)
                    {
                        int row = first + group + i % 4 / 2 * 8, column = i / 4 * 8 + 2 * place + i % 2;
                        if (row < TILE::MOST && column < panel[1])
                            settle(tile, sums[i / 4][i % 4] + bias[column], to + column, residual >= 0 ? more + column : -1, row, slope, floor);
                    }
                }
            }
        }
        """;
}
