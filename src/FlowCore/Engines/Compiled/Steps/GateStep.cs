using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FlowCore.Engines.Compiled.Kernels;
using FlowCore.Engines.Compiled.Network;
using FlowCore.Engines.Gpu;

namespace FlowCore.Engines.Compiled.Steps;

/// <summary>tanh(a + c) sigmoid(b + d) at every pixel, [a, b] being one node's units and [c, d] another's, or nothing.</summary>
internal sealed class GateOperation(GatedNode node) : Operation
{
    public GatedNode Node => node;

    public override IEnumerable<Region> Regions => node.Added is null ? [node.Input.Region, node.Region] : [node.Input.Region, node.Added.Region, node.Region];

    public override Step<T> Lower<T>(Lowering<T> to) => new GateStep<T>(node);

    public override void Emit(KernelText text)
    {
        string gate = text.Function("gate", name =>
        {
            var (body, results) = Term.Write(text.IsSingle, () => [Elementary.Tanh(Term.Named("a")) * Elementary.Sigmoid(Term.Named("b"))]);
            return $"WORD N {name}(N a, N b)\n{{\n{body}    return {results[0]};\n}}\n";
        });
        int count = node.Pixels.Length * node.Units;
        string At(Region region, Func<int, int> pixel, int column) =>
            $"tile.at({text.Places(region, [.. Enumerable.Range(0, count).Select(i => pixel(i / node.Units) + column + i % node.Units)])}(VALUE), ROW)";
        string Half(int first)
        {
            string own = At(node.Input.Region, pixel => node.Input.Pixels[pixel], node.Input.Columns[0] + first);
            return node.Added is { } added ? $"{own} + {At(added.Region, pixel => added.Pixels[node.AddedPixel(pixel)], added.Columns[0] + first)}" : own;
        }
        text.Count(gate, count);
        text.Line($"PHASE EACH({count}) {At(node.Region, pixel => node.Pixels[pixel], 0)} = {gate}({Half(0)}, {Half(node.Units)});");
    }
}

internal sealed unsafe class GateStep<T> : Step<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly Region input, output;
    private readonly Region? added;
    private readonly int[] inputs, outputs, addeds;
    private readonly int units;

    public GateStep(GatedNode node)
    {
        (input, output, added, units) = (node.Input.Region, node.Region, node.Added?.Region, node.Units);
        inputs = [.. node.Input.Pixels.Select(pixel => pixel + node.Input.Columns[0])];
        outputs = node.Pixels;
        int pixels = outputs.Length;
        addeds = node.Added is null ? [] : [.. Enumerable.Range(0, pixels).Select(pixel => node.Added.Pixels[node.AddedPixel(pixel)] + node.Added.Columns[0])];
        Debug.Assert(inputs.Max() + 2 * units <= input.Width && outputs.Max() + units <= output.Width, "All units lie within a row.");
        Debug.Assert(added is null || addeds.Max() + 2 * units <= added.Width, "What is added lies within a row.");
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Run(in Tile<T> tile)
    {
        for (int row = 0; row < tile.Rows; row++)
        {
            T* from = tile.At(input) + row * input.Width, to = tile.At(output) + row * output.Width;
            T* more = added is null ? null : tile.At(added) + row * added.Width;
            for (int pixel = 0; pixel < outputs.Length; pixel++)
            {
                T* a = from + inputs[pixel], c = more is null ? null : more + addeds[pixel], y = to + outputs[pixel];
                for (int i = 0; i < units; i += Vector512<T>.Count)
                {
                    int count = units - i;
                    Vector512<T> left = PartVector.Load(a + i, count), right = PartVector.Load(a + units + i, count);
                    if (c is not null)
                    {
                        left += PartVector.Load(c + i, count);
                        right += PartVector.Load(c + units + i, count);
                    }
                    PartVector.Store(VectorMath.Tanh(left) * VectorMath.Sigmoid(right), y + i, count);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void Back(in Tile<T> tile)
    {
        for (int row = 0; row < tile.Rows; row++)
        {
            T* from = tile.At(input) + row * input.Width, inner = tile.At(input.Adjoint) + row * input.Adjoint.Width;
            T* more = added is null ? null : tile.At(added) + row * added.Width, ofMore = added is null ? null : tile.At(added.Adjoint) + row * added.Adjoint.Width;
            T* outer = tile.At(output.Adjoint) + row * output.Adjoint.Width;
            for (int pixel = 0; pixel < outputs.Length; pixel++)
            {
                T* a = from + inputs[pixel], ofA = inner + inputs[pixel], ofY = outer + outputs[pixel];
                T* c = more is null ? null : more + addeds[pixel], ofC = ofMore is null ? null : ofMore + addeds[pixel];
                for (int i = 0; i < units; i += Vector512<T>.Count)
                {
                    int count = units - i;
                    Vector512<T> left = PartVector.Load(a + i, count), right = PartVector.Load(a + units + i, count), adjoint = PartVector.Load(ofY + i, count);
                    if (c is not null)
                    {
                        left += PartVector.Load(c + i, count);
                        right += PartVector.Load(c + units + i, count);
                    }
                    Vector512<T> value = VectorMath.Tanh(left), gate = VectorMath.Sigmoid(right);
                    Vector512<T> ofLeft = adjoint * gate * (Vector512<T>.One - value * value), ofRight = adjoint * value * gate * VectorMath.Sigmoid(-right);
                    PartVector.Store(PartVector.Load(ofA + i, count) + ofLeft, ofA + i, count);
                    PartVector.Store(PartVector.Load(ofA + units + i, count) + ofRight, ofA + units + i, count);
                    if (ofC is null)
                        continue;
                    PartVector.Store(PartVector.Load(ofC + i, count) + ofLeft, ofC + i, count);
                    PartVector.Store(PartVector.Load(ofC + units + i, count) + ofRight, ofC + units + i, count);
                }
            }
        }
    }
}
